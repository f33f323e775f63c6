"""One promotion by itself."""

from datetime import timedelta

import msgspec
import pytest

from autoscale.plan.prepare import acts
from contracts.promotion import Budget
from tests.autoscale.plan.sales import HOUR, MINUTE, NODES, START, curve, prepared, sale, workload


def test_a_promotion_has_its_moments() -> None:
    """The lead ends at the start, checks end before it, the hold ends six hours after the end."""
    one = prepared()
    start_s = START.timestamp()
    assert one.raise_s == start_s - one.lead_s
    assert one.due_s == start_s - 60
    assert one.hold_until_s == start_s + 8 * 3600
    assert not one.holds(one.raise_s - 1)
    assert one.holds(one.raise_s)
    assert one.holds(one.end_s - 1)
    assert not one.holds(one.end_s)


def test_an_early_crowd_begins_the_lead_early() -> None:
    """The forecast has demand an hour before the start."""
    one = prepared(forecasts=(curve(85.0, 850.0),))
    assert one.raise_s == (START - HOUR).timestamp() - one.lead_s


def test_an_invalid_promotion_does_nothing() -> None:
    """Its fault is the only thing of it that counts."""
    one = prepared(sale(end=START - HOUR, nodes=NODES))
    assert not one.acting
    assert (one.parts, one.afforded.nodes) == ((), {})
    assert [condition.type for condition in one.conditions] == ["Invalid"]


@pytest.mark.parametrize(
    ("mode", "approved", "acting"),
    [("Auto", False, True), ("Approve", False, False), ("Approve", True, True), ("Observe", True, False)],
)  # fmt: skip
def test_only_what_may_act_acts(mode: str, *, approved: bool, acting: bool) -> None:
    """Observe never, Approve once approved, Auto always."""
    promotion = msgspec.structs.replace(sale(mode=mode), approved=approved)
    assert acts(promotion) is acting
    waits = [one.type for one in prepared(promotion).conditions]
    assert waits == (["AwaitingApproval"] if mode == "Approve" and not approved else [])


def test_what_was_over_before_it_was_known_is_past() -> None:
    """Nothing is scaled, and the condition says what to change."""
    promotion = msgspec.structs.replace(sale(), created=START + 3 * HOUR)
    assert [one.type for one in prepared(promotion, at=START + 4 * HOUR).conditions] == ["Past"]
    assert not acts(promotion)


def test_what_became_known_too_late_is_late() -> None:
    """Known ten minutes before a start that wanted seventeen."""
    promotion = msgspec.structs.replace(sale(), created=START - 10 * MINUTE)
    (late,) = prepared(promotion, at=START - 9 * MINUTE).conditions
    assert (late.type, late.shortfall) == ("Late", 0.12)
    assert "7m" in late.message
    assert prepared(promotion, at=START + timedelta(days=1)).conditions == ()


def test_the_budget_counts_lead_and_stepping_down() -> None:
    """Ten nodes a day ahead for two hours do not fit into 100 node-hours; the words say by how much."""
    one = prepared(sale(nodes=NODES, lead="24h", budget=Budget(node_hours=100.0)))
    assert one.afforded.nodes["ads"] == 3
    assert [condition.type for condition in one.conditions] == ["OverBudget"]


def test_a_workload_that_does_not_exist_leaves_the_others() -> None:
    """The promotion acts for what is there."""
    one = prepared(sale(workloads=(workload(), workload("gone"))))
    assert len(one.parts) == 1
    assert one.acting
