"""Which forecast counts, and how much of it."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from autoscale.plan.curves import Curves, highest, highest_until, next_step, scale_of
from tests.autoscale.plan.sales import ADS, HOUR, START, curve


def test_the_lowest_quantile_that_is_enough_counts() -> None:
    """Asked for .9: .95 before .99; none that high: the highest there is; nothing: nothing."""
    every = [curve(q, quantile=q) for q in (0.99, 0.5, 0.95)]
    found = Curves(every)
    assert found.of("default/sale", ADS, 0.9) == every[2]
    assert found.of("default/sale", ADS, 0.999) == every[0]
    assert found.of("default/other", ADS, 0.9) is None


def test_a_curve_is_raised_to_the_expected_peak() -> None:
    """Its shape stays; a higher forecast, and one that replaces the word of people, stay as they are."""
    assert scale_of(curve(10.0, 50.0), 100.0) == 2.0
    assert scale_of(curve(10.0, 500.0), 100.0) == 1.0
    assert scale_of(curve(10.0, 50.0, replaces_peak=True), 100.0) == 1.0
    assert scale_of(curve(), 100.0) == 1.0


def test_demand_is_looked_up_by_its_interval() -> None:
    """Each value holds from its beginning for one step; outside is nothing."""
    one = curve(1.0, 5.0, 3.0)
    at = START.timestamp()
    assert highest(one, at - 3600, at - 3600) == 1.0
    assert highest(one, at - 1, at) == 5.0
    assert highest(one, at + 3600, at + 7200) == 3.0
    assert highest(one, at + 7200, at + 9000) == 0.0
    assert highest(one, at - 9000, at - 3601) == 0.0


@given(st.lists(st.floats(0, 1e6), max_size=20), st.floats(-9e4, 9e4), st.floats(0, 9e4))
def test_what_was_needed_is_not_given_back(demand: list[float], at: float, later: float) -> None:
    """Up to a later moment it is never less."""
    one = curve(*demand, begins=START - HOUR - timedelta(minutes=7))
    since = START.timestamp() + at
    assert highest_until(one, since) <= highest_until(one, since + later)


def test_the_next_step_is_the_next_value() -> None:
    """Strictly after; before the curve begins, its beginning or a step before it."""
    one, at = curve(1.0, 5.0), START.timestamp()
    assert next_step(one, at - 1) == at
    assert next_step(one, at) == at + 3600
    assert next_step(one, at - 3600.5) == at - 3600
