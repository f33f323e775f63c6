"""What `kubectl get events` shows."""

import json
from datetime import UTC, datetime

import msgspec

from autoscale.control.events import KEPT_MAX, Announcer, Change
from autoscale.kube.objects import Meta
from contracts.promotion import PromotionCondition, PromotionStatus

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
META = Meta(name="sale", namespace="ads", uid="u1", resource_version="7")
BEFORE = PromotionStatus(phase="Planned")


def condition(kind: str, status: str) -> PromotionCondition:
    return PromotionCondition(
        type=kind, status=status, reason="r", message="what to do", last_transition_time=NOON, observed_generation=1
    )  # fmt: skip


def told(after: PromotionStatus, before: PromotionStatus = BEFORE) -> list[dict[str, object]]:
    announcer = Announcer()
    announcer.changed(Change(meta=META, before=before, after=after), now=NOON)
    return [json.loads(ask.body) for ask in announcer.take()]


def test_a_phase_that_changes_is_told_with_its_figures() -> None:
    """Beside the promotion it speaks of."""
    (event,) = told(PromotionStatus(phase="Provisioning", replicas="4/12", nodes="3/6"))
    assert (event["reason"], event["type"]) == ("Provisioning", "Normal")
    assert event["note"] == "Planned -> Provisioning; replicas 4/12, nodes 3/6"
    assert event["regarding"]["uid"] == "u1"


def test_what_came_up_is_a_warning_and_what_is_resolved_is_not_told() -> None:
    """A gate warns when it is missed, any other condition when it is true; once."""
    after = msgspec.structs.replace(
        BEFORE, conditions=(condition("Infeasible", "True"), condition("NodesReady", "False"),
                            condition("Late", "False"), condition("ReplicasReady", "True")),
    )  # fmt: skip
    assert [one["reason"] for one in told(after)] == ["Infeasible", "NodesReady"]
    assert told(after, after) == []


def test_the_same_change_has_the_same_name() -> None:
    """Told again after a crash it is refused as existing."""
    after = PromotionStatus(phase="Active")
    assert told(after)[0]["metadata"] == told(after)[0]["metadata"]
    assert told(after)[0]["metadata"] != told(PromotionStatus(phase="Ready"))[0]["metadata"]


def test_untold_events_are_bounded_and_taken_once() -> None:
    """The oldest go; conditions say the same."""
    announcer = Announcer()
    for _ in range(KEPT_MAX + 50):
        announcer.changed(
            Change(meta=META, before=BEFORE, after=PromotionStatus(phase="Active")), now=NOON
        )
    assert len(announcer.take()) == KEPT_MAX
    assert announcer.take() == []
