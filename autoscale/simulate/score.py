"""What a run is worth: bad minutes, unserved share, node-hours, and the elasticity metrics of SPEC-RG-2016-01.

A minute is bad if more than one in a hundred of its requests was not served. "In an event" is from an hour before its start to two hours
after it, or to its end if that is later (WorldCup98 still surges so late).
"""

import msgspec
import numpy as np

from autoscale.simulate.engine import Run
from autoscale.simulate.ground import Ground
from autoscale.simulate.trace import Minutes, Trace

BAD_SHARE = 0.01
"""The share of a minute's requests that may be missed (an objective of 99 %)."""
BEFORE_MIN, AFTER_MIN = 60, 120
PER_SERVED = 0.7
"""Replicas in demand are those that carry it at the HPA's target."""


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One run in figures; shares in percent, `worst_event_share` of the worst event's own requests."""

    bad_minutes: int
    bad_in_events: int
    unserved_share: float
    worst_event_share: float
    node_hours: float
    under_share: float
    over_share: float
    under_time: float
    over_time: float
    unstable_time: float
    not_ready_at_start: int
    scalings: int
    node_failures: int


def score(trace: Trace, run: Run, *, ground: Ground) -> Score:
    """The figures of one run."""
    demand = trace.demand[trace.first_min : trace.last_min]
    missed = np.maximum(0.0, demand - run.served)
    bad = missed > BAD_SHARE * np.maximum(demand, 1.0)
    within = inside(trace)
    wanted = np.ceil(demand / ground.workload.per_replica / PER_SERVED)
    wanted = np.maximum(wanted, ground.workload.replicas_min)
    short = np.maximum(0.0, wanted - run.ready)
    over = np.maximum(0.0, run.ready - wanted)
    turns = np.sign(np.diff(run.ready)) != np.sign(np.diff(wanted))
    return Score(
        bad_minutes=int(bad.sum()),
        bad_in_events=int((bad & within).sum()),
        unserved_share=_share(missed.sum(), demand.sum()),
        worst_event_share=_worst(trace, missed, demand),
        node_hours=run.node_hours,
        under_share=100 * float((short / wanted).mean()),
        over_share=100 * float((over / wanted).mean()),
        under_time=100 * float((short > 0).mean()),
        over_time=100 * float((over > 0).mean()),
        unstable_time=100 * float(turns.mean()) if len(turns) else 0.0,
        not_ready_at_start=_not_ready(trace, bad),
        scalings=run.scalings,
        node_failures=run.node_failures,
    )


def inside(trace: Trace) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which scored minutes belong to an event."""
    within = np.zeros(trace.last_min - trace.first_min, dtype=np.bool_)
    for event in trace.events:
        begin = max(0, event.start_min - BEFORE_MIN - trace.first_min)
        within[begin : max(0, _after(event.start_min, event.end_min) - trace.first_min)] = True
    return within


def _after(start_min: int, end_min: int) -> int:
    return max(start_min + AFTER_MIN, end_min)


def _share(part: float, whole: float) -> float:
    return 100 * float(part) / float(whole) if whole > 0 else 0.0


def _worst(trace: Trace, missed: Minutes, demand: Minutes) -> float:
    shares = [0.0]
    for event in trace.events:
        begin = max(0, event.start_min - BEFORE_MIN - trace.first_min)
        end = max(0, _after(event.start_min, event.end_min) - trace.first_min)
        shares.append(_share(missed[begin:end].sum(), demand[begin:end].sum()))
    return max(shares)


def _not_ready(trace: Trace, bad: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """Events whose first five minutes were not all served."""
    starts = {event.start_min - trace.first_min for event in trace.events}
    return sum(bool(bad[at : at + 5].any()) for at in starts if 0 <= at < len(bad))
