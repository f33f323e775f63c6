"""The floor of one workload now: raised ahead of what promotions add up to, lowered when traffic lets it go."""

import math
from collections.abc import Mapping

from autoscale.plan.claims import Claims, blocked, need_of
from autoscale.plan.model import WorkloadObserved, WorkloadPlan, World
from autoscale.plan.release import Decision, release
from autoscale.plan.steps import late, up

HEADROOM = 1.2
"""An HPA's maximum stays this much above the floor, so that metrics can still add to it."""


def floor_of(world: World, claims: Claims, ahead_s: Mapping[str, float]) -> WorkloadPlan:
    """What to do with the workload now."""
    seen = world.observed.workloads[claims.key]
    need, due = need_of(world.now_s, claims, ahead_s)
    decision = _decide(world, claims, seen, need=need, due=due)
    return WorkloadPlan(
        action=decision.action, floor=decision.floor, need=need,
        ceiling=_ceiling(decision, need, seen), promotions=claims.names, reason=decision.reason,
    )  # fmt: skip


def _decide(
    world: World, claims: Claims, seen: WorkloadObserved, *, need: int, due: int
) -> Decision:
    if blocked(claims, seen):
        return Decision("hold", seen.floor, f"{seen.owner} scales it; nothing is written")
    target = max(seen.base, need)
    if target > seen.floor:
        floor = max(seen.floor, due, _climb(world, claims, seen, target))
        if floor > seen.floor:
            return Decision("raise", floor, f"on the way to {target} replicas")
        waits = f"{seen.ready} of {seen.floor} replicas are ready; the next step waits for them"
        return Decision("hold", floor, waits)
    if seen.baseline is None:
        enough = f"the floor of {seen.floor} is enough" if need else "nothing is held"
        return Decision("none", seen.floor, enough)
    return release(world.now_s, seen, claims, target)


def _climb(world: World, claims: Claims, seen: WorkloadObserved, target: int) -> int:
    """One step up from what is ready; a step that is not ready is waited for while there is time."""
    pod_s = world.timing.of_pod(claims.key)
    dues = [share.promotion.due_s - world.now_s for share in claims.holding]
    left = math.floor(min([due for due in dues if due > 0], default=0.0) / max(pod_s, 1.0))
    if seen.ready >= seen.floor:
        return up(seen.ready, target, left)
    standing = max(seen.ready, seen.base)
    return up(standing, target, left) if late(standing, target, left) else seen.floor


def _ceiling(decision: Decision, need: int, seen: WorkloadObserved) -> int | None:
    if seen.ceiling is None or decision.action == "none":
        return seen.ceiling
    if decision.action == "restore":
        return seen.ceiling if seen.baseline_ceiling is None else seen.baseline_ceiling
    return max(seen.ceiling, math.ceil(max(decision.floor, need) * HEADROOM))
