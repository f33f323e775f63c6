"""Journeys that could not begin are counted, those that began a little late are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.flows.pacing import Pacing


@pytest.mark.parametrize(
    ("ended_s", "wait_s", "missed"),
    [(0.2, 0.8, 0), (1.0, 0, 0), (1.9, 0, 0), (2.0, 0, 1), (2.5, 0, 1), (7.3, 0, 6)],
)
def test_a_journey_that_takes_too_long_costs_those_after_it(ended_s, wait_s, missed):
    """Begun at 0, one a second: over at 7.3 s, six were not begun."""
    pacing = Pacing(1.0, 0.0)
    assert pacing.wait_s(ended_s) == pytest.approx(wait_s)
    assert pacing.missed == missed


def test_after_a_stall_journeys_begin_by_the_same_clock():
    """What was missed is not made up for in a burst."""
    pacing = Pacing(1.0, 0.0)
    assert pacing.wait_s(3.4) == 0
    assert pacing.wait_s(3.5) == pytest.approx(0.5)
    assert pacing.missed == 2


@pytest.mark.parametrize(("now_s", "missed"), [(0.5, 0), (1.9, 0), (2.0, 1), (9.0, 8)])
def test_a_shopper_stuck_to_the_end_has_missed_journeys(now_s, missed):
    """The journey under way is none of them, nor is the one that may still begin late."""
    pacing = Pacing(1.0, 0.0)
    pacing.stop(now_s)
    assert pacing.missed == missed


def test_a_shopper_that_waits_has_missed_nothing():
    """Its next journey is not due yet."""
    pacing = Pacing(1.0, 0.0)
    pacing.wait_s(0.1)
    pacing.stop(0.9)
    assert pacing.missed == 0


@given(st.lists(st.floats(0.01, 5), min_size=1, max_size=30), st.floats(0.1, 2))
def test_every_due_journey_began_or_was_missed(lengths, pacing_s):
    """Begun and missed together are as many as the time holds, to the one under way."""
    pacing, now_s, begun = Pacing(pacing_s, 0.0), 0.0, 0
    for length_s in lengths:
        begun += 1
        now_s += length_s
        now_s += pacing.wait_s(now_s)
    assert begun + pacing.missed == pytest.approx(now_s / pacing_s, abs=1.01)
