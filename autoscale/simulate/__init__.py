"""What a scaling policy would have done to a trace: an event-driven cluster in virtual time, no cluster needed.

Not here: the plan itself (`autoscale.plan`), what is expected (`autoscale.forecast`), and writing to a cluster.
"""
