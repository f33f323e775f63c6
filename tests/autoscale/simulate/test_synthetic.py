"""Generated traces are replayable and are what they say."""

import numpy as np
import pytest

from autoscale.simulate.synthetic import HISTORY_DAYS, bursts, shop, with_steps
from tests.autoscale.simulate.small import surges


def test_a_seed_gives_one_trace() -> None:
    """The same seed, the same minutes; another seed, others."""
    assert shop(1, days=3).demand.tolist() == shop(1, days=3).demand.tolist()
    assert shop(1, days=3).demand.tolist() != shop(2, days=3).demand.tolist()


def test_the_shop_has_history_without_sales_then_one_sale_a_day() -> None:
    """Four weeks to learn ordinary traffic from, then a calendar that is scored."""
    trace = shop(1, days=10)
    assert len(trace.events) == 10
    assert trace.first_min == HISTORY_DAYS * 1440
    assert min(event.start_min for event in trace.events) >= trace.first_min
    assert (trace.demand > 0).all()


def test_sales_lift_demand_from_their_start() -> None:
    """On average a sale at least doubles the level of the minutes just before it."""
    trace = shop(3)
    lifts = [
        trace.demand[event.start_min : event.start_min + 5].mean()
        / trace.demand[event.start_min - 65 : event.start_min - 60].mean()
        for event in trace.events
    ]
    assert np.median(lifts) > 2


def test_a_step_multiplies_by_about_three_and_decays() -> None:
    """x(1 + 2) at the start on median, half of that gain twenty minutes later, nothing before."""
    trace = surges(60, size=1.0)
    stepped = with_steps(trace, 1)
    starts = np.array([event.start_min for event in trace.events])
    assert np.median(stepped.demand[starts] / 20_000) == pytest.approx(3.0, rel=0.15)
    gain = stepped.demand[starts] / 20_000 - 1
    later = stepped.demand[starts + 20] / 20_000 - 1
    assert (later / gain).tolist() == pytest.approx([0.5] * 60)
    assert (stepped.demand[starts - 1] == 20_000).all()
    assert stepped.name == "surges_step"


def test_bursts_are_on_no_calendar() -> None:
    """Demand jumps where no event is near."""
    trace = bursts(1)
    assert trace.events == ()
    jumps = np.flatnonzero(trace.demand[1:] > 1.5 * trace.demand[:-1]) + 1
    assert len(jumps) > 10
    assert trace.name == "bursts"
