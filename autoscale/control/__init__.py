"""The running controller: sees, plans (`autoscale.plan`), writes behind a lease, and says what it did.

Start at `controller.py` (one pass) and `claims.py` (what was there before, and whose it is now).
"""
