"""What promotions add up to."""

from datetime import timedelta

import pytest

from autoscale.plan.claims import ahead_of, blocked, claims_of, is_autoscaler, need_of
from autoscale.plan.curves import Curves
from autoscale.plan.model import PoolObserved
from tests.autoscale.plan.sales import (
    ADS,
    HOUR,
    NODES,
    START,
    claims,
    curve,
    observed,
    prepared,
    sale,
    seen,
    workload,
    world,
)

AT = START.timestamp()
NONE = {"default/sale": 0.0, "default/other": 0.0}


def test_overlapping_promotions_are_added() -> None:
    """Two campaigns of ten replicas each need twenty, not ten."""
    both = claims(prepared(), prepared(sale("other")))
    assert need_of(AT, both, NONE) == (20, 20)


def test_the_most_careful_capacity_counts() -> None:
    """One says 100 a replica, the other 50: the sum is divided by 50."""
    other = sale("other", workloads=(workload(capacity_per_replica=50.0),))
    assert need_of(AT, claims(prepared(), prepared(other)), NONE) == (40, 40)


def test_ordinary_traffic_comes_on_top() -> None:
    """Its highest value within the lead is added."""
    every = Curves([curve(425.0, 85.0, promotion="")])
    found = claims_of(AT - 60, [prepared()], observed(), every)[ADS]
    assert need_of(AT - 60, found, {"default/sale": 60.0})[0] == 15


def test_before_its_last_check_nothing_is_due() -> None:
    """Needed within the lead, due from a minute before the start on."""
    one = claims(prepared())
    assert need_of(AT - 900, one, {"default/sale": 900.0}) == (10, 0)
    assert need_of(AT - 60, one, {"default/sale": 900.0}) == (10, 10)
    assert need_of(AT - 900, one, NONE) == (0, 0)
    assert need_of(AT, claims(), {}) == (0, 0)


def test_who_holds_and_who_ended_is_told_apart() -> None:
    """Within lead and window it holds; for a day after its hold it has a word; then it is forgotten."""
    ready = [prepared()]
    for at_s, holding, ended in (
        (ready[0].raise_s, 1, 0), (AT, 1, 0), (AT + 7200, 0, 1), (AT + 30 * 3600, 0, 1),
    ):  # fmt: skip
        found = claims_of(at_s, ready, observed(), Curves([]))[ADS]
        assert (len(found.holding), len(found.ended)) == (holding, ended)
    assert claims_of(AT + 33 * 3600, ready, observed(), Curves([])) == {}
    assert claims_of(AT, [prepared(sale(mode="Observe"))], observed(), Curves([])) == {}


def test_what_we_hold_without_a_promotion_is_still_ours() -> None:
    """A promotion that was deleted leaves a floor to be released."""
    found = claims_of(AT, [], observed(baseline=4, floor=14), Curves([]))[ADS]
    assert (found.names, found.capacity) == ((), None)


@pytest.mark.parametrize(
    ("owner", "policy", "stops"),
    [
        ("", "Yield", False), ("kubectl-edit", "Yield", True), ("kubectl-edit", "Force", False),
        ("HorizontalPodAutoscaler/ads", "Force", True), ("ScaledObject/ads", "Yield", True),
    ],
)  # fmt: skip
def test_another_owner_stops_us_unless_forced(owner: str, policy: str, *, stops: bool) -> None:
    """Another autoscaler always does: two of them would undo each other."""
    assert blocked(claims(prepared(sale(conflict_policy=policy))), seen(owner=owner)) is stops
    assert is_autoscaler(owner) is ("/" in owner)


def test_replicas_wait_for_nodes_as_long_as_nodes_take() -> None:
    """Nodes missing: the look ahead is shorter by their time; nodes there: the whole lead."""
    one = prepared(sale(nodes=NODES))
    assert ahead_of(world(), one, {"ads": 13}) == one.lead_s - 240
    there = observed(PoolObserved(ready=13))
    assert ahead_of(world(what=there), one, {"ads": 13}) == one.lead_s


def test_the_fewest_that_anybody_says_fit_on_a_node() -> None:
    """By pool; who does not say counts for none."""
    other = prepared(sale("other", workloads=(workload(replicas_per_node=3),)))
    silent = prepared(sale("silent", workloads=(workload(replicas_per_node=None),)))
    assert claims(prepared(), other, silent).fitting == {"ads": 3}
    assert claims(silent).fitting == {}


def test_the_names_say_who() -> None:
    """Those that hold it first."""
    ended = prepared(sale("old", start=START - 5 * HOUR, end=START - timedelta(hours=4)))
    assert claims(prepared(), ended=(ended,)).names == ("default/sale", "default/old")
