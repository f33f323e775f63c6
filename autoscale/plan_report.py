"""From a rehearsal to what people read before anything is applied: per promotion, hour by hour, and the bill."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from autoscale.plan.model import Plan
from autoscale.plan.rehearsal import Moment
from contracts.promotion import (
    Phase,
    PlanCondition,
    PlanHour,
    PlannedPromotion,
    PlanReport,
    Promotion,
    promotion_key,
)

HOUR_S = 3600
EVENTS: Mapping[Phase, str] = {
    "Provisioning": "nodes ordered", "Scaling": "replicas go up", "Ready": "ready", "Active": "starts",
    "Cooling": "ends", "Released": "released",
}  # fmt: skip
LASTING = ("Infeasible", "OverBudget", "Invalid", "CapacityUnknown", "Conflict", "Late", "Past")
"""Conditions that stand in the way; waiting for approval, or for metrics that a rehearsal has, does not."""


def report_of(promotions: Sequence[Promotion], moments: Iterable[Moment]) -> PlanReport:
    """The report; a promotion's conditions are those it has at the first look."""
    looks = list(moments)
    first = looks[0].plan
    planned = tuple(_promotion(one, first, looks) for one in promotions)
    ways = {condition.type for one in planned for condition in one.conditions}
    return PlanReport(ok=not ways & set(LASTING), promotions=planned, hours=tuple(_hours(looks)))


def _promotion(promotion: Promotion, first: Plan, looks: Sequence[Moment]) -> PlannedPromotion:
    key = promotion_key(promotion)
    one, spec = first.promotions[key], promotion.spec
    phases: list[tuple[float, Phase]] = [
        (look.at_s, look.plan.promotions[key].phase) for look in looks
    ]
    used = sum(
        sum(look.plan.promotions[key].nodes_now.values()) * (look.until_s - look.at_s) for look in looks
    )  # fmt: skip
    return PlannedPromotion(
        name=key, mode=spec.mode, start=spec.start, end=spec.end, time_zone=spec.time_zone,
        lead_seconds=round(one.lead_s), raise_at=one.raise_at, hold_until=one.hold_until,
        ready_at=_first(phases, "Ready"), released_at=_first(phases, "Released"),
        replicas=one.replicas, nodes=one.nodes, node_hours=round(used / HOUR_S, 2),
        node_hours_max=round(one.node_hours, 2),
        conditions=tuple(
            PlanCondition(type=it.type, subject=it.subject, message=it.message, shortfall=it.shortfall)
            for it in one.conditions
        ),
    )  # fmt: skip


def _first(phases: Sequence[tuple[float, Phase]], phase: Phase) -> datetime | None:
    return next((datetime.fromtimestamp(at_s, UTC) for at_s, seen in phases if seen == phase), None)


class _Hour:
    """What is added up of one hour."""

    def __init__(self) -> None:
        self.nodes: dict[str, int] = {}
        self.replicas: dict[str, int] = {}
        self.used_s = 0.0
        self.events: list[str] = []
        self.held = False


def _hours(looks: Sequence[Moment]) -> Iterable[PlanHour]:
    """Hours in which something is held or happens, in order."""
    found: dict[int, _Hour] = {}
    before: dict[str, Phase] = {}
    for look in looks:
        nodes_now = sum(sum(one.nodes_now.values()) for one in look.plan.promotions.values())
        held = nodes_now > 0 or any(
            one.action not in {"none", "restore"} for one in look.plan.workloads.values()
        )
        first, last = int(look.at_s // HOUR_S), int(max(look.until_s - 1e-6, look.at_s) // HOUR_S)
        events = _events(look.plan, before)
        for number in range(first, last + 1 if held else first + 1):
            if not held and not events:
                break
            hour = found.setdefault(number, _Hour())
            hour.events += events if number == first else []
            hour.held = hour.held or held
            span_s = min(look.until_s, (number + 1) * HOUR_S) - max(look.at_s, number * HOUR_S)
            hour.used_s += nodes_now * span_s
            for pool, plan in look.plan.pools.items():
                hour.nodes[pool] = max(hour.nodes.get(pool, 0), plan.nodes)
            for key, plan in look.plan.workloads.items():
                hour.replicas[key] = max(hour.replicas.get(key, 0), plan.floor)
    for number, hour in sorted(found.items()):
        yield PlanHour(
            begins=datetime.fromtimestamp(number * HOUR_S, UTC), nodes=hour.nodes, replicas=hour.replicas,
            node_hours=round(hour.used_s / HOUR_S, 2), events=tuple(hour.events),
        )  # fmt: skip


def _events(plan: Plan, before: dict[str, Phase]) -> list[str]:
    """What changed since the last look, which is remembered in `before`."""
    events: list[str] = []
    for key, one in plan.promotions.items():
        if before.get(key, "Planned") != one.phase and one.phase in EVENTS:
            events.append(f"{key.partition('/')[2]}: {EVENTS[one.phase]}")
        before[key] = one.phase
    return events
