"""Nodes and replicas ready before a promotion, released safely after: plan, forecast, simulate, carry out.

Not here: where a request may go (`router`), and clusters themselves (`infra`, `local`).
"""
