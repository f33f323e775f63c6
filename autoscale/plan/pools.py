"""Nodes of one pool now: what promotions hold of it, what its maximum leaves of that, and whose they are."""

import math
from collections.abc import Mapping, Sequence

import msgspec

from autoscale.plan.claims import Standing
from autoscale.plan.model import Observed, PoolPlan, World
from autoscale.plan.prepare import Prepared


class Held(msgspec.Struct, frozen=True):
    """A pool's plan, and how many of its nodes each promotion accounts for."""

    plan: PoolPlan
    by_promotion: dict[str, int]


def holds_nodes(
    now_s: float, prepared: Prepared, observed: Observed, standing: Mapping[str, Standing]
) -> bool:
    """From the lead on, and after the end until its workloads need no more, or the budget is spent."""
    if not prepared.acting or now_s < prepared.raise_s or prepared.afforded.spent:
        return False
    return now_s < prepared.end_s or cooling(prepared, observed, standing)


def cooling(prepared: Prepared, observed: Observed, standing: Mapping[str, Standing]) -> bool:
    """Whether a floor of its workloads still stands above the baseline and what others need."""
    for part in prepared.parts:
        base, now = observed.workloads[part.key].baseline, standing.get(part.key)
        if now is not None and base is not None and now.floor > max(base, now.need):
            return True
    return False


def pool_of(
    world: World, pool: str, promotions: Sequence[Prepared], *,
    running: Mapping[str, int], standing: Mapping[str, Standing],
) -> Held:  # fmt: skip
    """What the pool's minimum should be now.

    `promotions` are those that add nodes to it, in order of start; `running` says by workload how
    many replicas fit on one of its nodes; `standing` is what is left after this
    plan, so that nodes go together with the floor that needed them.
    """
    seen = world.observed.pools[pool]
    holders = [one for one in promotions if holds_nodes(world.now_s, one, world.observed, standing)]
    given = {p.key: p.afforded.nodes[pool] for p in holders if pool in p.explicit}
    derived = {p.key: p.afforded.nodes[pool] for p in holders if pool not in p.explicit}
    base, least = seen.base, seen.least
    total = least
    filled = 0
    if derived:
        filled = seen.others + _filled(running, standing, world.observed)
        filled = min(filled, base + sum(derived.values()))
        total = max(total, filled)
    if given:
        total = max(total, max(base, filled) + sum(given.values()))
    nodes = total if seen.maximum is None else max(least, min(total, seen.maximum))
    given_now = _shared_out(max(0, nodes - base), given)
    left = max(0, nodes - base - sum(given_now.values()))
    by_promotion = given_now | _shared_out(min(left, max(0, filled - base)), derived)
    plan = PoolPlan(
        nodes=nodes, added=max(0, nodes - base), short=total - nodes,
        restore=not holders and seen.baseline is not None,
        promotions=tuple(by_promotion), reason=_reason(holders, total, nodes),
    )  # fmt: skip
    return Held(plan, by_promotion)


def _filled(
    running: Mapping[str, int], standing: Mapping[str, Standing], observed: Observed
) -> int:
    """Nodes that the pool's promoted workloads fill."""
    nodes = 0.0
    for key, fit in running.items():
        base, now = observed.workloads[key].base, standing[key]
        if now.need > 0 or now.floor > base:
            nodes += max(now.need, now.floor, base) / fit
    return math.ceil(nodes - 1e-9)


def _shared_out(extra: int, asked: Mapping[str, int]) -> dict[str, int]:
    """In order of start, each at most its own; what ordinary traffic takes is nobody's."""
    shares: dict[str, int] = {}
    for key, most in asked.items():
        shares[key] = min(most, extra)
        extra -= shares[key]
    return shares


def _reason(holders: Sequence[Prepared], total: int, nodes: int) -> str:
    if not holders:
        return "no promotion holds nodes"
    if nodes < total:
        return f"{total} nodes are wanted, the pool's maximum is {nodes}"
    return f"{len(holders)} promotion{'s hold' if len(holders) > 1 else ' holds'} nodes"
