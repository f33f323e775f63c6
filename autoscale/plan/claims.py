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
        every = {
            id(share.part.capacity): share.part.capacity for share in (*self.holding, *self.ended)
        }
        return min(every.values(), key=lambda one: one.per_replica * one.utilization, default=None)

    @property
    def names(self) -> tuple[str, ...]:
        """The promotions, those that hold it first."""
        return tuple(share.promotion.key for share in (*self.holding, *self.ended))


class Standing(msgspec.Struct, frozen=True):
    """Of one workload: replicas that promotions need, and the floor once the plan is carried out."""

    need: int
    floor: int


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
    """Replicas that demand needs at its highest within the look ahead, and those of them that are due already.

    Demand of promotions is added where they are on at the same time; one that ends before another begins makes
    room for it. `ahead_s` says by promotion how far to look; due is what is past its last check before the start.
    """
    capacity = claims.capacity
    if capacity is None or not claims.holding:
        return 0, 0
    every: list[tuple[float, float, float]] = []
    due: list[tuple[float, float, float]] = []
    for share in claims.holding:
        span = _span(now_s, share, ahead_s[share.promotion.key])
        every.append(span)
        if now_s >= share.promotion.due_s:
            due.append(span)
    demand, demand_due = _highest_sum(now_s, every), _highest_sum(now_s, due)
    if demand <= 0:
        return 0, 0
    ordinary = 0.0
    if claims.ordinary is not None:
        furthest_s = max(ahead_s[share.promotion.key] for share in claims.holding)
        ordinary = highest(claims.ordinary, now_s, now_s + furthest_s)
    needed = replicas_for(demand + ordinary, capacity)
    return needed, replicas_for(demand_due + ordinary, capacity) if demand_due > 0 else 0


def _span(now_s: float, share: Share, ahead_s: float) -> tuple[float, float, float]:
    """What a promotion adds within its look ahead, from when and until when."""
    prepared, part = share.promotion, share.part
    demand = part.demand_until(now_s + ahead_s, prepared.start_s) * prepared.afforded.share
    begins_s = prepared.start_s
    if part.curve is not None:
        begins_s = min(begins_s, part.curve.begins.timestamp())
    return demand, max(begins_s, now_s), prepared.end_s


def _highest_sum(now_s: float, spans: Sequence[tuple[float, float, float]]) -> float:
    """The most that is on at one moment; spans are half open, so an end makes room for a start."""
    total = sum(demand for demand, begins_s, _ in spans if begins_s <= now_s)
    if all(begins_s <= now_s for _, begins_s, _ in spans):
        return total
    changes = [(begins_s, 1, demand) for demand, begins_s, _ in spans if begins_s > now_s]
    changes += [(ends_s, 0, -demand) for demand, _, ends_s in spans]
    most = total
    for _, _, change in sorted(changes):
        total += change
        most = max(most, total)
    return most


def ahead_of(world: World, prepared: Prepared, nodes: Mapping[str, int]) -> float:
    """How far a promotion's replicas look ahead: its whole lead once its nodes are there, less before."""
    pools, timing = world.observed.pools, world.timing
    waits = [
        timing.of_node(pool)
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
