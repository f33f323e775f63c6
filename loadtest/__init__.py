"""Load on the hybrid cloud: an open-loop generator, the canaries it plants, and what its files prove.

It is a client and a judge: it starts no service, injects no fault and knows no router. It is not a capacity
model and not a flow simulator; one plan is one constant arrival rate.
"""
