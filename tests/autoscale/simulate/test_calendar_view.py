"""Learning happens when events are over, never before."""

import numpy as np
import pytest

from autoscale.simulate.calendar_view import Learner, clock_of, occasions
from tests.autoscale.simulate.small import event, flat, surges


def test_events_that_start_together_are_one_occasion() -> None:
    """The longest end and the largest expected peak are kept."""
    both = occasions([event(100, 30, expected_peak=5.0), event(100, 90), event(50, 10)])
    assert [(one.start_min, one.end_min) for one in both] == [(50, 60), (100, 190)]
    assert both[1].expected_peak == 5.0


def test_an_event_is_learned_in_the_minute_it_is_over() -> None:
    """One minute before its end it is unknown."""
    trace = surges(2)
    learner = Learner(trace.events, clock_of(trace))
    end = trace.events[0].end_min
    learner.learn(trace.demand[: end - 1])
    assert len(learner.finished) == 0
    learner.learn(trace.demand[:end])
    assert len(learner.finished) == 1
    assert np.exp(learner.finished[0].peak_log) == pytest.approx(60_000)


def test_traits_follow_the_traces_own_calendar() -> None:
    """Minute 0 is a Monday; five days and 13 hours later is a Saturday afternoon."""
    clock = clock_of(flat())
    found = clock.traits(event(5 * 1440 + 13 * 60))
    assert (found.weekday, found.minute_of_day) == (5, 780)


def test_events_do_not_make_ordinary_traffic() -> None:
    """After a week of surges ordinary traffic is still flat."""
    trace = surges(14)
    learner = Learner(trace.events, clock_of(trace))
    learner.learn(trace.demand)
    at = trace.events[-1].start_min + 30
    assert learner.ordinary(trace.demand, at) == pytest.approx(20_000, rel=0.02)
