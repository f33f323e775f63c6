"""What is wanted now, as a pure function of time, promotions and what was observed.

Start at `model.py` (what goes in and comes out) and `planner.py` (`plan`). Nothing here reads a clock, a
cluster or a file: the controller, the simulator and `isthmus autoscale plan` call the same code.
"""
