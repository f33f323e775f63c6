"""The hybrid cloud on one machine (Tier 0): two sites as processes, joined by relays that can be cut and that tap.

It starts, records, restarts and ends processes, and owns the relay. It is not the services: what it starts it
knows only by command line, settings file and ready file.
"""
