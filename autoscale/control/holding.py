"""Which promotion holds which workload and pool by the plan, and the records that follow from it. Pure."""

from autoscale.control.claims import Held, entries_after
from autoscale.control.look import Look, Seen
from autoscale.plan.model import Plan
from autoscale.targets.pools import GroupSeen
from contracts.promotion import Baseline, PoolBaseline, workload_keys

HOLDING = frozenset({"Provisioning", "Scaling", "Ready", "Active"})
"""Phases from the start of the lead to the end."""


def holds(key: str, plan: Plan) -> bool:
    """Whether the promotion needs what it names now."""
    planned = plan.promotions.get(key)
    return planned is not None and planned.acting and planned.phase in HOLDING


def records(one: Seen, look: Look, plan: Plan) -> tuple[Baseline, ...]:
    """The records of workloads that this promotion should have now."""
    held: dict[str, Held] = {}
    mine = {entry.workload for entry in one.status.baselines}
    if one.promotion is not None and not one.deleting:
        for key in workload_keys(one.promotion):
            planned = plan.workloads.get(key)
            held[key] = Held(
                holds=holds(one.key, plan), raises=planned is not None and planned.action == "raise",
                # only of a record there is: asked of each, a thousand promotions are a million looks
                elsewhere=key in mine and _elsewhere(one, key, look, plan),
            )  # fmt: skip
    return entries_after(
        one.status.baselines, look.targets, words=look.words, held=held, now=look.now
    )


def _elsewhere(one: Seen, key: str, look: Look, plan: Plan) -> bool:
    """Whether another promotion that holds the workload has the record, stored."""
    return any(
        other.key != one.key and not other.deleting and holds(other.key, plan)
        and any(entry.workload == key for entry in other.status.baselines)
        for other in look.seen.values()
    )  # fmt: skip


def recorded(key: str, look: Look, *, leaving: bool = False) -> list[Seen]:
    """The promotions that have a stored record of the workload; those being deleted only with `leaving`."""
    return [
        one for one in look.seen.values()
        if (leaving or not one.deleting)
        and any(entry.workload == key for entry in one.status.baselines)
    ]  # fmt: skip


def pool_records(one: Seen, look: Look, plan: Plan) -> tuple[PoolBaseline, ...]:
    """The records of pools that this promotion should have now."""
    known = {entry.pool: entry for entry in one.status.pool_baselines}
    planned = plan.promotions.get(one.key)
    if planned is None or one.deleting:
        return one.status.pool_baselines
    found: dict[str, PoolBaseline] = {}
    for pool in sorted({*known, *planned.nodes}):
        wanted = holds(one.key, plan) and planned.nodes.get(pool, 0) > 0
        cools = planned.nodes_now.get(pool, 0) > 0
        if pool in known and (wanted or cools or _stands(known[pool], look)):
            found[pool] = known[pool]
        elif wanted and pool in look.pools and pool in plan.pools:
            found[pool] = _first_of(pool, look)
    return tuple(found.values())


def _stands(entry: PoolBaseline, look: Look) -> bool:
    """Whether something of ours still holds nodes of the pool, or its group's minimum is not what it was."""
    seen = look.pools.get(entry.pool)
    if seen is None:
        return False
    return seen.ours or (isinstance(seen.standing, GroupSeen) and seen.minimum > entry.minimum)


def _first_of(pool: str, look: Look) -> PoolBaseline:
    observed = look.observed.pools[pool]
    return PoolBaseline(pool=pool, minimum=observed.least, ready=observed.base)
