"""What may be described to the engine: mandatory rules over resources, driven by the same policy.yaml. Pure.

The policy pack asks them during `pulumi preview` and `up`, `state` asks them of what is stored, and the
admission policy says the most important one again inside the clusters. They import no Pulumi.
"""
