"""The floor of one workload."""

import pytest

from autoscale.plan.floors import floor_of
from tests.autoscale.plan.sales import (
    HOUR,
    MINUTE,
    START,
    claims,
    observed,
    prepared,
    sale,
    workload,
    world,
)

LEAD = {"default/sale": 1020.0}
BIG = sale(workloads=(workload(expected_peak=3400.0),))


def test_with_time_it_climbs_by_steps() -> None:
    """A quarter of sixteen ready ones is four."""
    held = observed(replicas=16, ready=16, floor=16, baseline=4)
    plan = floor_of(world(START - 15 * MINUTE, held), claims(prepared(BIG)), LEAD)
    assert (plan.action, plan.floor, plan.need) == ("raise", 20, 40)


def test_a_step_that_is_not_ready_is_waited_for() -> None:
    """While there is time; nothing is written meanwhile."""
    held = observed(replicas=20, ready=17, floor=20, baseline=4)
    plan = floor_of(world(START - 15 * MINUTE, held), claims(prepared(BIG)), LEAD)
    assert (plan.action, plan.floor) == ("hold", 20)
    assert "17 of 20" in plan.reason


def test_late_steps_are_larger_and_due_is_all() -> None:
    """Three minutes left from 4 to 40: 18 a step for two checks; at the last check, everything."""
    few = observed(ready=4, floor=4)
    plan = floor_of(world(START - 3 * MINUTE, few), claims(prepared(BIG)), LEAD)
    assert (plan.action, plan.floor) == ("raise", 22)
    stuck = observed(ready=4, floor=22, baseline=4)
    again = floor_of(world(START - 3 * MINUTE, stuck), claims(prepared(BIG)), LEAD)
    assert (again.action, again.floor) == ("hold", 22)
    plan = floor_of(world(START - MINUTE, stuck), claims(prepared(BIG)), LEAD)
    assert (plan.action, plan.floor) == ("raise", 40)


def test_what_the_hpa_already_runs_needs_no_step() -> None:
    """Thirty are up by themselves: the floor joins them and takes the next step from there."""
    busy = observed(replicas=30, ready=30, floor=4)
    plan = floor_of(world(START - 15 * MINUTE, busy), claims(prepared(BIG)), LEAD)
    assert (plan.action, plan.floor) == ("raise", 37)


def test_the_ceiling_keeps_its_distance() -> None:
    """A fifth over the need; never lowered before the end, and given back with the baseline."""
    plan = floor_of(world(START), claims(prepared(BIG)), LEAD)
    assert (plan.floor, plan.ceiling) == (40, 48)
    roomy = observed(ready=4, floor=4, ceiling=500)
    assert floor_of(world(START, roomy), claims(prepared(BIG)), LEAD).ceiling == 500
    ended = claims(ended=(prepared(BIG),))
    last = observed(floor=5, baseline=4, ceiling=48, baseline_ceiling=20)
    plan = floor_of(world(START + 3 * HOUR, last), ended, {})
    assert (plan.action, plan.floor, plan.ceiling) == ("restore", 4, 20)
    without = observed(floor=5, baseline=4, ceiling=None)
    assert floor_of(world(START + 3 * HOUR, without), ended, {}).ceiling is None


@pytest.mark.parametrize("baseline", [None, 4])
def test_another_owner_is_left_alone(baseline: int | None) -> None:
    """Nothing is written, and the reason names it."""
    held = observed(floor=6, baseline=baseline, owner="kubectl-edit")
    plan = floor_of(world(START, held), claims(prepared(BIG)), LEAD)
    assert (plan.action, plan.floor) == ("hold", 6)
    assert "kubectl-edit" in plan.reason


def test_an_enough_floor_is_none_of_ours() -> None:
    """Nothing was recorded, nothing is written."""
    plan = floor_of(world(START, observed(floor=50, ready=50)), claims(prepared()), LEAD)
    assert (plan.action, plan.floor, plan.need) == ("none", 50, 10)
    idle = floor_of(world(START), claims(ended=(prepared(),)), {})
    assert (idle.action, idle.reason) == ("none", "nothing is held")
