"""Infrastructure by Pulumi: clusters, what runs in them, the policy pack, and the order in which stacks are worked on.

It imports no other folder but `policy`, `contracts` and `runtime`; local clusters are made by a process it calls.
"""
