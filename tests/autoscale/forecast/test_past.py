"""Finished events are kept as they were, side by side."""

import numpy as np
import pytest

from autoscale.forecast.multiplier import Traits
from autoscale.forecast.past import BEFORE_MIN, Past, Paths, bins_until, remember

FLASH = Traits(type="flash", weekday=1, minute_of_day=1200)
COUPON = Traits(type="coupon", weekday=1, minute_of_day=1200)


def past(traits: Traits = FLASH, *, lasts: int = 40, length: int = 60) -> Past:
    path = np.zeros(BEFORE_MIN + length)
    path[BEFORE_MIN : BEFORE_MIN + lasts] = np.log(4.0)
    return Past(traits=traits, ordinary_log=0.0, path=path)


def test_an_event_outside_the_history_is_not_remembered() -> None:
    """Its lead and its end must both be there."""
    demand = np.full(1000, 50.0)
    asked = {"traits": FLASH, "ordinary": 40.0}
    assert remember(demand, start_min=100, end_min=200, **asked) is None
    assert remember(demand, start_min=950, end_min=1010, **asked) is None
    found = remember(demand, start_min=500, end_min=560, **asked)
    assert found is not None
    assert len(found.path) == BEFORE_MIN + 60
    assert found.example.peak_log == pytest.approx(np.log(50.0))


def test_levels_are_those_before_the_offset_and_end_with_the_event() -> None:
    """The level at the start is of the minutes before it; after the end there is none."""
    paths = Paths([past(), past(length=120)])
    assert paths.levels(0).tolist() == pytest.approx([0.0, 0.0])
    assert paths.levels(10).tolist() == pytest.approx([np.log(4.0)] * 2)
    assert np.isnan(paths.levels(90)).tolist() == [True, False]


def test_bins_hold_the_highest_minute() -> None:
    """A single high minute marks its bin only."""
    one = past(lasts=1)
    paths = Paths([one])
    high = np.nonzero(paths.bins[0] > 1)[0]
    assert high.tolist() == [BEFORE_MIN // 5]
    assert paths.bins.shape[1] == bins_until(60)


def test_how_long_events_last_is_judged_from_three_on() -> None:
    """Three quarters of them are over by the answer."""
    assert Paths([past(), past()]).hold_min(0.75) is None
    lengths = [past(lasts=10), past(lasts=20), past(lasts=30), past(lasts=59)]
    assert Paths(lengths).hold_min(0.75) == 59
    assert Paths(lengths).hold_min(0.5) == 30


def test_own_type_weighs_more_and_nobody_weighs_for_himself() -> None:
    """Pooling weights: every event a little, the same type one more, the diagonal nothing."""
    paths = Paths([past(FLASH), past(FLASH), past(COUPON)])
    own = paths.pull_of("flash")
    assert own[0] == own[1] == own[2] + 1
    left_out = paths.pull_left_out()
    assert np.diag(left_out).tolist() == [0, 0, 0]
    assert left_out[0, 1] > left_out[0, 2] > 0
