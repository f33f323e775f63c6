"""Everything that promotions say of one workload, and what they add up to."""

from collections.abc import Mapping, Sequence

import msgspec

from autoscale.plan.capacity import Capacity, replicas_for
from autoscale.plan.curves import Curves, highest
from autoscale.plan.model import Forecast, Observed, WorkloadObserved, World
from autoscale.plan.parts import Part
from autoscale.plan.prepare import Prepared

REMEMBERED_S = 86400.0
"""So long after its hold an ended promotion still has a word in releasing what it raised."""


class Share(msgspec.Struct, frozen=True):
    """What one promotion has to do with one workload."""

    promotion: Prepared
    part: Part


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """Those that hold a workload now, those over not long ago, and its ordinary traffic."""

    key: str
    holding: tuple[Share, ...]
    ended: tuple[Share, ...]
    ordinary: Forecast | None

    @property
    def fitting(self) -> dict[str, int]:
        """By pool that it runs in, how many of its replicas fit on a node; the most careful word counts."""
        found: dict[str, int] = {}
        for share in (*self.holding, *self.ended):
            pool, fit = share.part.workload.pool, share.part.per_node
            if pool is not None and fit:
                found[pool] = min(fit, found.get(pool, fit))
        return found

    @property
    def capacity(self) -> Capacity | None:
        """Of several promotions' words on it, the most careful."""
        every = [share.part.capacity for share in (*self.holding, *self.ended)]
        return min(every, key=lambda one: one.per_replica * one.utilization, default=None)

    @property
    def names(self) -> tuple[str, ...]:
        """The promotions, those that hold it first."""
        return tuple(share.promotion.key for share in (*self.holding, *self.ended))


class Standing(msgspec.Struct, frozen=True):
    """Of one workload: replicas that promotions need, and the floor once the plan is carried out."""

    need: int
    floor: int


def base_of(seen: WorkloadObserved) -> int:
    """The floor there was before anything of ours."""
    return seen.floor if seen.baseline is None else seen.baseline


def claims_of(
    now_s: float, ready: Sequence[Prepared], observed: Observed, curves: Curves
) -> dict[str, Claims]:
    """By workload; those that we hold without anybody wanting it, too."""
    holding: dict[str, list[Share]] = {}
    ended: dict[str, list[Share]] = {}
    for prepared in ready:
        if not prepared.acting:
            continue
        if prepared.holds(now_s):
            where = holding
        elif prepared.end_s <= now_s < prepared.hold_until_s + REMEMBERED_S:
            where = ended
        else:
            continue
        for part in prepared.parts:
            where.setdefault(part.key, []).append(Share(prepared, part))
    ours = [key for key, seen in observed.workloads.items() if seen.baseline is not None]
    return {
        key: Claims(
            key=key, holding=tuple(holding.get(key, ())), ended=tuple(ended.get(key, ())),
            ordinary=curves.of("", key, 0.0),
        )
        for key in dict.fromkeys([*holding, *ended, *ours])
    }  # fmt: skip


def need_of(now_s: float, claims: Claims, ahead_s: Mapping[str, float]) -> tuple[int, int]:
    """Replicas that the sum of demand needs, and those of them that are due already.

    `ahead_s` says by promotion how far to look ahead; what is due is what promotions past their last
    check before the start need.
    """
    capacity = claims.capacity
    if capacity is None:
        return 0, 0
    demand, due = 0.0, 0.0
    for share in claims.holding:
        prepared = share.promotion
        until_s = now_s + ahead_s[prepared.key]
        adds = share.part.demand_until(until_s, prepared.start_s) * prepared.afforded.share
        demand += adds
        due += adds if now_s >= prepared.due_s else 0.0
    if demand <= 0:
        return 0, 0
    ordinary = 0.0
    if claims.ordinary is not None:
        furthest_s = max(ahead_s[share.promotion.key] for share in claims.holding)
        ordinary = highest(claims.ordinary, now_s, now_s + furthest_s)
    need = replicas_for(demand + ordinary, capacity)
    return need, replicas_for(due + ordinary, capacity) if due > 0 else 0


def ahead_of(world: World, prepared: Prepared, nodes: Mapping[str, int]) -> float:
    """How far a promotion's replicas look ahead: its whole lead once its nodes are there, less before."""
    pools, timing = world.observed.pools, world.timing
    waits = [
        timing.node_s.get(pool, timing.node_default_s)
        for pool in prepared.afforded.nodes
        if pool in pools and pools[pool].ready < nodes.get(pool, 0)
    ]
    return max(0.0, prepared.lead_s - max(waits, default=0.0))


def blocked(claims: Claims, seen: WorkloadObserved) -> bool:
    """Whether somebody else scales it: another autoscaler always counts, a field's owner unless forced."""
    if not seen.owner:
        return False
    forced = any(
        share.promotion.promotion.spec.conflict_policy == "Force" for share in claims.holding
    )
    return is_autoscaler(seen.owner) or not forced


def is_autoscaler(owner: str) -> bool:
    """Owners that are objects of their own, as `Kind/name`; a field manager has no slash of that shape."""
    return owner.startswith(("HorizontalPodAutoscaler/", "ScaledObject/"))
