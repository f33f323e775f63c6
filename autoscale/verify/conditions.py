"""What is said of a promotion: the planner's conditions, its gates before the start, and what the API server refused. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from autoscale.plan.model import Condition, Gate
from contracts.promotion import PromotionCondition

MESSAGE_MAX = 1000
"""Kubernetes allows 32 KiB; a person reads less."""

Truth = Literal["True", "False", "Unknown"]


class Said(msgspec.Struct, frozen=True):
    """A condition before it is known since when it holds."""

    type: str
    status: Truth
    reason: str
    message: str


def of_plan(conditions: Iterable[Condition]) -> list[Said]:
    """One per type: Kubernetes keeps conditions by type, so several subjects share one message."""
    by_type: dict[str, list[str]] = {}
    for one in conditions:
        by_type.setdefault(one.type, []).append(one.message)
    return [
        Said(kind, "True", REASONS.get(kind, kind), "; ".join(dict.fromkeys(messages))[:MESSAGE_MAX])
        for kind, messages in by_type.items()
    ]  # fmt: skip


REASONS = {
    "Infeasible": "PoolTooSmall", "OverBudget": "BudgetTooSmall", "Invalid": "InvalidSpec",
    "CapacityUnknown": "NotMeasured", "Conflict": "ScaledByAnother", "WorkloadMissing": "NotFound",
    "Late": "KnownTooLate", "AwaitingApproval": "NotApproved", "MetricsMissing": "NoDemand", "Past": "AlreadyOver",
}  # fmt: skip
_GATES = {"nodes": "NodesReady", "replicas": "ReplicasReady"}


def of_gates(gates: Sequence[Gate]) -> list[Said]:
    """`NodesReady` and `ReplicasReady`: True once met, Unknown while there is time, False when missed."""
    found: list[Said] = []
    for kind, name in _GATES.items():
        mine = [gate for gate in gates if gate.kind == kind]
        open_ = [gate for gate in mine if gate.state != "met"]
        if not mine:
            continue
        if not open_:
            total = sum(gate.wanted for gate in mine)
            found.append(Said(name, "True", "Met", f"{total} {kind} are ready"))
            continue
        missed = any(gate.state == "missed" for gate in open_)
        message = "; ".join(
            f"{gate.subject}: {gate.have} of {gate.wanted} ready, due {gate.deadline:%Y-%m-%dT%H:%M:%SZ}"
            + (f", {gate.wanted - gate.have} short" if gate.state == "missed" else "")
            for gate in open_
        )
        found.append(
            Said(name, "False" if missed else "Unknown", "Missed" if missed else "Waiting",
                 message[:MESSAGE_MAX])
        )  # fmt: skip
    return found


def of_troubles(kind: str, reason: str, troubles: Mapping[str, str]) -> list[Said]:
    """One abnormal condition of the controller's own, True where anything is wrong."""
    if not troubles:
        return []
    message = "; ".join(f"{subject}: {text}" for subject, text in sorted(troubles.items()))
    return [Said(kind, "True", reason, message[:MESSAGE_MAX])]


def since(
    said: Iterable[Said], before: Sequence[PromotionCondition], *, now: datetime, generation: int
) -> tuple[PromotionCondition, ...]:
    """With the times at which their status changed; what is not said any more is resolved, gates stay as they were."""
    known = {one.type: one for one in before}
    found: dict[str, PromotionCondition] = {}
    for one in said:
        old = known.get(one.type)
        kept = old is not None and old.status == one.status
        found[one.type] = PromotionCondition(
            type=one.type, status=one.status, reason=one.reason, message=one.message,
            last_transition_time=old.last_transition_time if old is not None and kept else now,
            observed_generation=generation,
        )  # fmt: skip
    for kind, old in known.items():
        if kind in found:
            continue
        if kind in _GATES.values() or old.status != "True":
            found[kind] = old
            continue
        found[kind] = PromotionCondition(
            type=kind, status="False", reason="Resolved", message="",
            last_transition_time=now, observed_generation=generation,
        )  # fmt: skip
    return tuple(found[kind] for kind in sorted(found))
