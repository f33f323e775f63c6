"""How much demand a promotion will bring, and how sure that is: numpy only, from history that is over.

Not here: what to do about it (`autoscale.plan`), nor any look at the future: every function takes the past it may use.
"""
