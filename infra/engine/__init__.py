"""The engine of an environment: what it is told, who holds it, what it said, what a killed run of it left.

Not the programs it runs (those are `infra`'s), nor the order of stacks (`infra.orchestrate`).
"""
