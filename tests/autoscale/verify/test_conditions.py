"""What is said of a promotion, and since when."""

from datetime import UTC, datetime, timedelta

from autoscale.plan.model import Condition, Gate
from autoscale.verify.conditions import MESSAGE_MAX, Said, of_gates, of_plan, of_troubles, since

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


def gate(kind: str = "nodes", *, have: int = 6, state: str = "met", subject: str = "ads") -> Gate:
    return Gate(kind=kind, subject=subject, deadline=NOON, wanted=6, have=have, state=state)


def test_conditions_of_one_type_share_one_entry() -> None:
    """Kubernetes keeps them by type: every subject is in the message, once, within a bound."""
    several = [
        Condition(type="Infeasible", subject=pool, message=f"{pool} is small", shortfall=2)
        for pool in ("a", "b", "a")
    ]
    assert of_plan(several) == [
        Said("Infeasible", "True", "PoolTooSmall", "a is small; b is small")
    ]
    long = [Condition(type="Late", subject="x", message="y" * 5000)]
    assert len(of_plan(long)[0].message) == MESSAGE_MAX


def test_a_gate_is_unknown_while_there_is_time_and_false_when_missed() -> None:
    """With the figure that is short, which is what somebody has to find elsewhere."""
    assert of_gates([gate(), gate(subject="b")]) == [
        Said("NodesReady", "True", "Met", "12 nodes are ready")
    ]
    (waiting,) = of_gates([gate(), gate(subject="b", have=2, state="waiting")])
    assert (waiting.status, waiting.reason) == ("Unknown", "Waiting")
    assert waiting.message == "b: 2 of 6 ready, due 2026-11-11T12:00:00Z"
    (missed,) = of_gates([gate("replicas", have=1, state="missed")])
    assert (missed.type, missed.status) == ("ReplicasReady", "False")
    assert missed.message.endswith("5 short")
    assert of_gates([]) == []


def test_troubles_are_one_condition_or_none() -> None:
    """Sorted, so that the same troubles are the same text."""
    assert of_troubles("WriteRefused", "Refused", {}) == []
    (said,) = of_troubles("WriteRefused", "Refused", {"b": "no", "a": "never"})
    assert said.message == "a: never; b: no"


def test_a_time_changes_with_the_status_only() -> None:
    """A new message keeps it; what is not said any more is resolved; gates stay as they were."""
    first = since(
        [Said("Late", "True", "r", "one"), Said("NodesReady", "True", "Met", "m")],
        (),
        now=NOON,
        generation=1,
    )
    second = since([Said("Late", "True", "r", "two")], first, now=LATER, generation=2)
    late, nodes = second
    assert (late.message, late.last_transition_time, late.observed_generation) == ("two", NOON, 2)
    assert nodes == first[1]
    resolved = since([], second, now=LATER, generation=2)[0]
    assert (resolved.status, resolved.reason, resolved.last_transition_time) == (
        "False",
        "Resolved",
        LATER,
    )
    assert (
        since([], since([], second, now=LATER, generation=2), now=NOON, generation=3)[0] == resolved
    )
    again = since([Said("Late", "True", "r", "three")], (resolved,), now=LATER, generation=3)[0]
    assert (again.status, again.last_transition_time) == ("True", LATER)
