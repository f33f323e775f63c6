"""Faults that undo themselves, experiments made of them, and a verdict nobody gets by accident.

Every fault takes a lease on disk before it is injected; a watchdog process heals a lease when its time is up or its
runner is dead, so that SIGKILL of a run leaves no fault behind. `inject` holds faults by place, `experiments` the
YAML files, `runs` plays and judges one, `schedule` says whether and when it may run, `history` what past runs say.
Says what was done and how it was proven; what it means for users is `loadtest`'s business.
"""
