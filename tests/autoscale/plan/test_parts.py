"""Workloads of a promotion: capacity, nodes, lead."""

import msgspec
import pytest

from autoscale.plan.curves import Curves
from autoscale.plan.model import Timing
from autoscale.plan.parts import capacity_of, lead_of, nodes_of, parts_of, ramp_of
from contracts.promotion import Latency, PromotedNodes
from tests.autoscale.plan.sales import (
    ADS,
    HOUR,
    NODES,
    START,
    TIMING,
    curve,
    observed,
    sale,
    seen,
    workload,
)


def test_capacity_is_as_given_else_as_measured() -> None:
    """With a waiting limit the slots come along; with neither figure there is none."""
    assert capacity_of(workload(capacity_per_replica=None), 42.0).per_replica == 42.0
    assert capacity_of(workload(), 42.0).per_replica == 100.0
    assert capacity_of(workload(capacity_per_replica=None), None) is None
    assert capacity_of(workload(capacity_per_replica=None), 0.0) is None
    limited = capacity_of(workload(latency=Latency(slots=4, wait="20ms", balancing="Random")), None)
    assert (limited.slots, limited.wait, limited.shared) == (4, "20ms", False)


def test_what_cannot_be_planned_is_said_and_left_out() -> None:
    """A workload that does not exist, and one nobody measured."""
    promotion = sale(
        workloads=(workload(), workload("gone"), workload("new", capacity_per_replica=None))
    )
    there = observed()
    new = "HorizontalPodAutoscaler/default/new"
    there = msgspec.structs.replace(there, workloads=there.workloads | {new: seen()})
    parts, wrong = parts_of(promotion, there, Curves([]))
    assert [part.key for part in parts] == [ADS]
    assert [(one.type, one.subject) for one in wrong] == [
        ("WorkloadMissing", "HorizontalPodAutoscaler/default/gone"), ("CapacityUnknown", new),
    ]  # fmt: skip


def test_demand_is_the_peak_or_the_curve() -> None:
    """Without a forecast everything is there at the start; with one it follows, scaled to the peak."""
    (plain,), _ = parts_of(sale(), observed(), Curves([]))
    at = START.timestamp()
    assert (plain.demand_until(at - 1, at), plain.demand_until(at, at)) == (0.0, 850.0)
    (curved,), _ = parts_of(sale(), observed(), Curves([curve(85.0, 170.0, 17.0)]))
    assert curved.peak == 850.0
    assert curved.demand_until(at - 1, at) == pytest.approx(425.0)
    assert curved.demand_until(at + 9000, at) == pytest.approx(850.0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(NODES, {"ads": 10}), ((), {"ads": 3}), ((PromotedNodes(pool="ads"),), {"ads": 3})],
)
def test_nodes_are_given_or_follow_from_replicas(
    given: tuple[PromotedNodes, ...], expected: dict[str, int]
) -> None:
    """Ten replicas, four on a node: three nodes, unless somebody said ten."""
    promotion = sale(nodes=given)
    parts, _ = parts_of(promotion, observed(), Curves([]))
    nodes, explicit, unknown = nodes_of(promotion, parts)
    assert (nodes, unknown) == (expected, [])
    assert explicit == ({"ads"} if given == NODES else set())


def test_nodes_that_cannot_be_derived_are_said() -> None:
    """A pool named without a number, and no workload that says how many fit."""
    promotion = sale(workloads=(workload(pool=None),), nodes=(PromotedNodes(pool="big"),))
    parts, _ = parts_of(promotion, observed(), Curves([]))
    nodes, _, unknown = nodes_of(promotion, parts)
    assert nodes == {}
    assert [(one.type, one.subject) for one in unknown] == [("CapacityUnknown", "big")]


def test_the_lead_is_fixed_or_measured() -> None:
    """Auto: 4 min for nodes, 7 steps of 1 min from 4 to 14, checks and safety; never over its cap."""
    there = observed()
    parts, _ = parts_of(sale(), there, Curves([]))
    assert ramp_of(parts[0], there, TIMING) == 7 * 60
    find = {"nodes": {"ads": 3}, "observed": there, "timing": TIMING}
    assert lead_of(sale(), parts, **find) == 240 + 7 * 60 + 60 + 300
    assert lead_of(sale(lead="24h"), parts, **find) == 24 * HOUR.total_seconds()
    assert lead_of(sale(lead_max="5m"), parts, **find) == 300
    assert lead_of(sale(), parts, **(find | {"nodes": {"ads": 0}})) == 7 * 60 + 60 + 300
    slow = Timing(node_default_s=900.0)
    assert lead_of(sale(), parts, **(find | {"timing": slow})) == 900 + 7 * 120 + 60 + 300
