"""What people read before anything is applied."""

from datetime import timedelta

import msgspec
import pytest

from autoscale.plan.model import Observed, PoolObserved
from autoscale.plan.rehearsal import rehearse
from autoscale.plan_report import report_of
from contracts.promotion import PlanReport, Promotion
from tests.autoscale.plan.sales import ADS, HOUR, NODES, START, TIMING, observed, sale, workload


def report(*promotions: Promotion, what: Observed | None = None) -> PlanReport:
    begins = START - timedelta(days=2)
    return report_of(promotions, rehearse(begins, promotions, what or observed(), timing=TIMING))


def test_a_promotion_is_told_with_its_moments_and_its_bill() -> None:
    """Ten nodes from the lead to the release; at most six hours more."""
    (one,) = report(sale(nodes=NODES)).promotions
    assert (one.name, one.replicas, one.nodes) == ("default/sale", {ADS: 10}, {"ads": 10})
    assert one.raise_at < one.ready_at < one.start < one.end < one.released_at < one.hold_until
    assert one.lead_seconds == 1020
    lasted = (one.released_at - one.raise_at) / HOUR
    assert one.node_hours == pytest.approx(10 * lasted, abs=0.02)
    assert one.node_hours < one.node_hours_max


def test_hours_add_up_to_the_bill() -> None:
    """Over two overlapping promotions; only hours in which something is held are told."""
    found = report(
        sale(nodes=NODES), sale("other", start=START + HOUR, end=START + 5 * HOUR, nodes=NODES)
    )
    assert sum(hour.node_hours for hour in found.hours) == pytest.approx(
        sum(one.node_hours for one in found.promotions), abs=0.05
    )
    assert max(hour.nodes["ads"] for hour in found.hours) == 23
    assert max(hour.replicas[ADS] for hour in found.hours) == 20
    assert found.hours[0].begins == START - HOUR
    assert [hour.begins for hour in found.hours] == [START + n * HOUR for n in range(-1, 6)]


def test_events_stand_in_their_hour() -> None:
    """Each once, in order."""
    said = [event for hour in report(sale(nodes=NODES)).hours for event in hour.events]
    assert said == [
        "sale: nodes ordered", "sale: replicas go up", "sale: ready", "sale: starts", "sale: ends",
        "sale: released",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("promotion", "maximum", "fits"),
    [
        (sale(nodes=NODES), 13, True), (sale(nodes=NODES), 12, False),
        (sale(mode="Approve"), 13, True), (sale(workloads=(workload(capacity_per_replica=None),)), 13, False),
    ],
)  # fmt: skip
def test_only_what_stands_in_the_way_is_held_against_it(
    promotion: Promotion, maximum: int, *, fits: bool
) -> None:
    """A pool too small, a capacity nobody knows; not an approval that is still to come."""
    found = report(promotion, what=observed(PoolObserved(ready=3, minimum=3, maximum=maximum)))
    assert found.ok is fits
    assert bool(found.promotions[0].conditions) is not fits


def test_what_is_not_ready_in_time_is_not_called_ready() -> None:
    """Too few nodes for the gate."""
    (one,) = report(
        sale(nodes=NODES), what=observed(PoolObserved(ready=3, minimum=3, maximum=5))
    ).promotions
    assert one.ready_at is None
    assert one.released_at is not None


def test_the_report_is_its_contract() -> None:
    """Written and read back."""
    found = report(sale())
    assert msgspec.json.decode(msgspec.json.encode(found), type=PlanReport) == found
