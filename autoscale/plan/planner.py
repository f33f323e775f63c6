"""`plan`: what is wanted now, of every workload and pool, and what is to be said of every promotion.

A pure function of its arguments: a restart at any second gives the same answer, a second look at an unchanged
world changes nothing, and there is no missed tick.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from autoscale.plan.ahead import shortfalls
from autoscale.plan.budget import HOUR_S
from autoscale.plan.capacity import replicas_for
from autoscale.plan.claims import Claims, Standing, ahead_of, blocked, claims_of, need_of
from autoscale.plan.curves import Curves, next_step
from autoscale.plan.floors import floor_of
from autoscale.plan.gates import gates_of, moment, phase_of
from autoscale.plan.model import (
    Condition,
    Forecast,
    Observed,
    Plan,
    PromotionPlan,
    Timing,
    WorkloadPlan,
    World,
)
from autoscale.plan.pools import Held, pool_of
from autoscale.plan.prepare import Prepared, prepare
from autoscale.plan.release import live_demand, terms_of
from contracts.promotion import Promotion


def plan(
    now: datetime, promotions: Iterable[Promotion], observed: Observed, *,
    timing: Timing, forecasts: Iterable[Forecast] = (),
) -> Plan:  # fmt: skip
    """Everything that is wanted at `now`, which must be aware."""
    world, curves = World(now.timestamp(), observed, timing), Curves(forecasts)
    ready = [prepare(world, promotion, curves) for promotion in promotions]
    ready.sort(key=lambda one: (one.start_s, one.key))
    claims = claims_of(world.now_s, ready, observed, curves)
    running = _running(claims)
    needs = _needs(world, ready, claims)
    wanted = _pools(world, ready, running, needs)
    nodes = {pool: one.plan.nodes + one.plan.short for pool, one in wanted.items()}
    ahead = {one.key: ahead_of(world, one, nodes) for one in ready if one.holds(world.now_s)}
    workloads = {key: floor_of(world, claim, ahead) for key, claim in claims.items()}
    standing = {key: Standing(needs[key].need, one.floor) for key, one in workloads.items()}
    held = _pools(world, ready, running, standing)
    return Plan(
        at=now, workloads=workloads, pools={pool: one.plan for pool, one in held.items()},
        promotions=_promotions(world, ready, claims, held=held, workloads=workloads),
        next_boundary=_boundary(world, ready, claims, workloads=workloads, ahead=ahead),
    )  # fmt: skip


def _running(claims: Mapping[str, Claims]) -> dict[str, dict[str, int]]:
    """By pool, the promoted workloads that run in it and how many replicas of each fit on a node."""
    found: dict[str, dict[str, int]] = {}
    for key, claim in claims.items():
        for pool, fit in claim.fitting.items():
            found.setdefault(pool, {})[key] = fit
    return found


def _needs(
    world: World, ready: Sequence[Prepared], claims: Mapping[str, Claims]
) -> dict[str, Standing]:
    """Replicas that promotions need at the end of their whole lead: what nodes are ordered for."""
    leads = {one.key: one.lead_s for one in ready}
    return {
        key: Standing(need_of(world.now_s, claim, leads)[0], 0) for key, claim in claims.items()
    }


def _pools(
    world: World, ready: Sequence[Prepared], running: Mapping[str, Mapping[str, int]],
    standing: Mapping[str, Standing],
) -> dict[str, Held]:  # fmt: skip
    return {
        pool: pool_of(
            world, pool, [one for one in ready if one.afforded.nodes.get(pool)],
            running=running.get(pool, {}), standing=standing,
        )
        for pool in world.observed.pools
    }  # fmt: skip


def _promotions(
    world: World, ready: Sequence[Prepared], claims: Mapping[str, Claims], *,
    held: Mapping[str, Held], workloads: Mapping[str, WorkloadPlan],
) -> dict[str, PromotionPlan]:  # fmt: skip
    standing = {key: Standing(one.need, one.floor) for key, one in workloads.items()}
    short = shortfalls(world.now_s, ready, world.observed.pools)
    plans = {pool: one.plan for pool, one in held.items()}
    found: dict[str, PromotionPlan] = {}
    for one in ready:
        gates = gates_of(world, one, workloads=workloads, pools=plans)
        now = {pool: by.by_promotion.get(one.key, 0) for pool, by in held.items()}
        found[one.key] = PromotionPlan(
            phase=phase_of(world, one, gates, standing), acting=one.acting,
            lead_s=one.lead_s, raise_at=moment(one.raise_s), hold_until=moment(one.hold_until_s),
            nodes=one.afforded.nodes,
            replicas=_replicas(one),
            nodes_now={pool: nodes for pool, nodes in now.items() if nodes},
            node_hours=one.afforded.node_hours,
            conditions=(
                *one.conditions, *short.get(one.key, ()),
                *_of_now(one, claims, world.observed, workloads),
            ),
            gates=gates,
        )  # fmt: skip
    return found


def _replicas(one: Prepared) -> dict[str, int]:
    share = one.afforded.share
    if share == 1.0:
        return {part.key: part.replicas for part in one.parts}
    return {part.key: replicas_for(part.peak * share, part.capacity) for part in one.parts}


def _of_now(
    one: Prepared, claims: Mapping[str, Claims], observed: Observed, plans: Mapping[str, WorkloadPlan]
) -> Iterator[Condition]:  # fmt: skip
    for part in one.parts:
        claim = claims.get(part.key)
        if claim is None:
            continue
        seen = observed.workloads[part.key]
        if blocked(claim, seen):
            message = (
                f"{seen.owner} scales {part.key}, nothing is written; name that autoscaler instead, "
                "let it go of the field, or set conflictPolicy: Force"
            )
            yield Condition(type="Conflict", subject=part.key, message=message)
        if claim.holding or not claim.ended or seen.baseline is None:
            continue
        if plans[part.key].action == "hold" and live_demand(seen) is None:
            message = (
                f"{part.key} is held at {seen.floor}: restore its metrics, or delete the promotion"
            )
            yield Condition(type="MetricsMissing", subject=part.key, message=message)


def _boundary(
    world: World, ready: Sequence[Prepared], claims: Mapping[str, Claims], *,
    workloads: Mapping[str, WorkloadPlan], ahead: Mapping[str, float],
) -> datetime | None:  # fmt: skip
    """The next moment at which the clock alone may change the answer."""
    now_s = world.now_s
    moments = [at_s for one in ready if one.acting for at_s in _moments(world, one)]
    for key, claim in claims.items():
        seen = world.observed.workloads[key]
        stepped_s = None if seen.floor_since is None else seen.floor_since.timestamp()
        if workloads[key].action == "lower":
            stepped_s = now_s
        if stepped_s is not None and seen.baseline is not None:
            every_s = terms_of(now_s, [share.promotion for share in claim.ended]).every_s
            moments.append(stepped_s + every_s)
        moments += [
            next_step(share.part.curve, now_s + ahead_s) - ahead_s
            for share in claim.holding
            for ahead_s in (ahead[share.promotion.key],)
            if share.part.curve is not None
        ]
    return min((moment(at_s) for at_s in moments if at_s > now_s), default=None)


def _moments(world: World, one: Prepared) -> list[float]:
    if world.now_s >= one.hold_until_s:
        return []
    moments = [one.raise_s, one.due_s, one.start_s, one.end_s, one.hold_until_s]
    rate = sum(one.afforded.nodes.values()) / HOUR_S
    budget = one.promotion.spec.budget
    if budget is not None and rate > 0 and world.now_s >= one.raise_s:
        left = budget.node_hours - world.observed.spent_node_hours.get(one.key, 0.0)
        moments.append(world.now_s + left / rate)
    return moments
