"""The status a promotion should have now; equal to the stored one when there is nothing to say. Pure."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from autoscale.control.holding import holds, pool_records, records
from autoscale.control.look import Look, Seen
from autoscale.plan.model import Gate, Plan, PromotionPlan
from autoscale.verify.conditions import Said, of_gates, of_plan, of_troubles, since
from contracts.promotion import PromotionStatus, workload_keys

ACCOUNT_S = 300.0
"""So often the account of node-hours is written when nothing else changes."""

QUIET = frozenset({"Planned", "Released"})
"""Phases in which a pod more or less is nobody's business: a promotion a week off is not written at each."""


class Troubles(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong outside the plan, by the subject it belongs to: writes refused, canary requests failed."""

    refused: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    canary: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])


def status_of(one: Seen, look: Look, plan: Plan, troubles: Troubles) -> PromotionStatus:
    """What `one.status` should be."""
    now, generation = look.now.replace(microsecond=0), one.meta.generation
    planned = plan.promotions.get(one.key)
    if planned is None:
        said = [Said("Invalid", "True", "Unreadable", one.fault)] if one.fault else []
        return msgspec.structs.replace(
            one.status, observed_generation=generation, baselines=records(one, look, plan),
            conditions=since(said, one.status.conditions, now=now, generation=generation)
            if one.fault else one.status.conditions,
        )  # fmt: skip
    conditions = [
        *of_plan(planned.conditions),
        *of_gates(planned.gates),
        *_of_troubles(one, look, plan, troubles=troubles),
    ]
    made = PromotionStatus(
        phase=planned.phase, observed_generation=generation,
        replicas=_figure("replicas", one, look, planned), nodes=_figure("nodes", one, look, planned),
        shortfall=round(sum(c.shortfall for c in planned.conditions if c.type == "Infeasible")),
        raise_at=planned.raise_at.replace(microsecond=0),
        hold_until=planned.hold_until.replace(microsecond=0),
        lead_seconds=round(planned.lead_s), node_hours=round(planned.node_hours, 2),
        spent_node_hours=one.status.spent_node_hours,
        baselines=records(one, look, plan), pool_baselines=pool_records(one, look, plan),
        conditions=since(conditions, one.status.conditions, now=now, generation=generation),
    )  # fmt: skip
    spent = round(look.observed.spent_node_hours.get(one.key, 0.0), 4)
    nodes = sum(planned.nodes_now.values())
    due = nodes > 0 and spent - one.status.spent_node_hours >= nodes * ACCOUNT_S / 3600
    if planned.phase in QUIET and made == msgspec.structs.replace(
        one.status, replicas=made.replicas, nodes=made.nodes
    ):
        return one.status
    if made != one.status or due:
        made = msgspec.structs.replace(made, spent_node_hours=max(spent, made.spent_node_hours))
    return made


def _of_troubles(one: Seen, look: Look, plan: Plan, *, troubles: Troubles) -> list[Said]:
    if one.promotion is None:
        return []
    mine = {*workload_keys(one.promotion), *(entry.pool for entry in one.promotion.spec.nodes)}
    asleep = {
        key: look.targets[key].trouble for key in mine
        if holds(one.key, plan) and key in look.targets and look.targets[key].trouble
    }  # fmt: skip
    refused = {key: text for key, text in troubles.refused.items() if key in mine}
    canary = {
        key: text for key, text in troubles.canary.items() if key in mine and holds(one.key, plan)
    }
    return [
        *of_troubles("ScalingInactive", "HpaInactive", asleep),
        *of_troubles("WriteRefused", "Refused", refused),
        *of_troubles("CanaryFailed", "NoAnswer", canary),
    ]


def _figure(kind: str, one: Seen, look: Look, planned: PromotionPlan) -> str:
    """`ready/wanted`: by its gates where there are any, else what it will want; nothing once it is released."""
    if planned.phase == "Released":
        return ""
    gates: list[Gate] = [gate for gate in planned.gates if gate.kind == kind]
    if gates:
        return f"{sum(gate.have for gate in gates)}/{sum(gate.wanted for gate in gates)}"
    ready, wanted = 0, 0
    if kind == "nodes":
        for pool, add in planned.nodes.items():
            seen = look.observed.pools.get(pool)
            if seen is not None:
                ready, wanted = ready + seen.ready, wanted + seen.base + add * _ahead(one, look.now)
        return f"{ready}/{wanted}" if planned.nodes else ""
    for key, more in planned.replicas.items():
        target = look.targets.get(key)
        if target is not None:
            ready += target.ready
            wanted += max(target.floor, more * _ahead(one, look.now))
    return f"{ready}/{wanted}" if planned.replicas else ""


def _ahead(one: Seen, now: datetime) -> int:
    return 1 if one.promotion is not None and now < one.promotion.spec.end else 0
