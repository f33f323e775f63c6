"""The hybrid cloud on one machine: two sites as processes (Tier 0), or as real clusters in network namespaces (Tier 1).

It starts, records, restarts and ends processes, and owns the relay, the namespaces and the node agent. It is not the
services: what it starts it knows only by command line, settings file and ready file.
"""
