"""The reference tenant: ads, clicks, orders, profiles; what demo, chaos and load tests run against.

Four small aiohttp services, one process each (`python -m marketing SERVICE`). They know nothing of the
router, the policy or the other site: what keeps them apart is the network they accept peers from.
"""
