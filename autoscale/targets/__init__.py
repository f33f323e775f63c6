"""What a promotion scales: workloads (HPA, Deployment, ScaledObject) and the nodes of pools.

Each says what stands, whose it is, and how it is written; nothing here decides how much.
"""
