"""The driven run: a YAML plan of request kinds and a rate profile, sent open loop by several processes.

It knows no tenant: what is sent stands in the plan. It judges nothing; `loadtest.gate` does.
"""
