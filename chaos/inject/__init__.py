"""Faults beyond the demo's four, one module per place: processes, links, the policy, the warehouse.

Each takes a `Faults`, which leases, journals and heals; none keeps state of its own.
"""
