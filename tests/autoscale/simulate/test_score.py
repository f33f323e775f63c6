"""Scores are counted by hand on small runs."""

import numpy as np
import pytest

from autoscale.simulate.engine import Run
from autoscale.simulate.ground import Ground
from autoscale.simulate.score import inside, score
from tests.autoscale.simulate.small import event, flat


def made(served: np.ndarray, ready: float) -> Run:
    size = len(served)
    return Run(
        served=served, ready=np.full(size, ready), nodes=np.full(size, 4.0), floor=np.zeros(size),
        node_hours=4 * size / 60, scalings=0, node_failures=0,
    )  # fmt: skip


def test_minutes_that_miss_more_than_one_in_a_hundred_are_bad() -> None:
    """0.5 % is not, 2 % is; inside and outside events are told apart."""
    trace = flat(events=(event(720),))
    served = trace.demand[trace.first_min :].copy()
    served[0] *= 0.995
    served[10] *= 0.98
    served[720 - 360 + 2] *= 0.5
    found = score(trace, made(served, 15.0), ground=Ground())
    assert (found.bad_minutes, found.bad_in_events, found.not_ready_at_start) == (2, 1, 1)
    assert found.unserved_share == pytest.approx(100 * 0.525 / len(served))
    assert found.worst_event_share == pytest.approx(100 * 0.5 / 180)


def test_provisioning_is_compared_with_what_the_target_needs() -> None:
    """15 replicas are needed: 30 are 100 % over, 12 are 20 % under."""
    trace = flat()
    served = trace.demand[trace.first_min :]
    assert score(trace, made(served, 30.0), ground=Ground()).over_share == pytest.approx(100.0)
    under = score(trace, made(served, 12.0), ground=Ground())
    assert under.under_share == pytest.approx(20.0)
    assert (under.under_time, under.over_time, under.unstable_time) == (100.0, 0.0, 0.0)


def test_an_event_reaches_from_an_hour_before_to_two_after() -> None:
    """Or to its end, if that is later."""
    assert inside(flat(events=(event(720, 30),))).sum() == 180
    assert inside(flat(events=(event(720, 300),))).sum() == 360
