"""Faults that undo themselves: every one takes a lease on disk before it is injected.

A watchdog process heals a lease when its time is up or its runner is dead, so that SIGKILL of a run leaves no
fault behind. Says what was done and how it was proven; what it means for users is `loadtest`'s business.
"""
