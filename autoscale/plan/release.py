"""When and how far a floor may go down: never before the end, never below live demand, in steps, within a hold."""

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from autoscale.plan.capacity import Capacity, replicas_for
from autoscale.plan.claims import Claims
from autoscale.plan.durations import seconds, spoken
from autoscale.plan.model import WorkloadObserved
from autoscale.plan.prepare import Prepared
from autoscale.plan.steps import down
from contracts.promotion import Release


class Decision(msgspec.Struct, frozen=True):
    """The next floor and why."""

    action: Literal["raise", "lower", "hold", "restore", "none"]
    floor: int
    reason: str


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The most careful word of the promotions that ended; `hold_until_s` None where nobody gave one."""

    below: float
    every_s: float
    percent: int
    hold_until_s: float | None
    budget_over: bool


def terms_of(now_s: float, ended: Sequence[Prepared]) -> Terms:
    """Of several, what holds longest and steps smallest."""
    rules = [prepared.promotion.spec.release for prepared in ended] or [Release()]
    return Terms(
        below=min(rule.below for rule in rules),
        every_s=max(seconds(rule.every) for rule in rules),
        percent=min(int(rule.step.rstrip("%")) for rule in rules),
        hold_until_s=max((prepared.hold_until_s for prepared in ended), default=None),
        budget_over=bool(ended) and all(_budget_over(now_s, prepared) for prepared in ended),
    )  # fmt: skip


def _budget_over(now_s: float, prepared: Prepared) -> bool:
    if prepared.promotion.spec.budget is None or not any(prepared.wanted.values()):
        return False
    return prepared.afforded.spent or now_s >= prepared.hold_until_s


def release(now_s: float, seen: WorkloadObserved, claims: Claims, target: int) -> Decision:
    """One look at a floor that stands at or above what is needed; `target` is the need, or the baseline."""
    base = seen.base
    if seen.floor <= target and not claims.holding:
        return Decision("restore", base, "everything is released")
    terms = terms_of(now_s, [share.promotion for share in claims.ended])
    least = _least(now_s, seen, terms, claims.capacity)
    waits = _waits(now_s, seen, claims, target=target, terms=terms)
    if least is None or waits:
        blind = "metrics are missing, so nothing says that traffic is gone"
        return Decision("hold", seen.floor, waits or blind)
    floor = max(down(seen.floor, target, terms.percent), least)
    if floor >= seen.floor:
        return Decision("hold", seen.floor, f"live traffic still needs {least} replicas")
    if floor <= base and not claims.holding:
        return Decision("restore", base, "traffic is gone; the baseline is restored")
    return Decision("lower", floor, f"traffic needs {least} replicas; on the way to {target}")


def _waits(
    now_s: float, seen: WorkloadObserved, claims: Claims, *, target: int, terms: Terms
) -> str:
    """Why nothing may go down yet, whatever traffic says; empty when nothing forbids it."""
    if seen.floor <= target:
        return f"{target} replicas are needed"
    if claims.holding and not claims.ended:
        return "nothing is lowered before the end"
    if seen.floor_since is None or now_s - seen.floor_since.timestamp() >= terms.every_s:
        return ""
    return f"the next step is {spoken(terms.every_s)} after the last"


def _least(
    now_s: float, seen: WorkloadObserved, terms: Terms, capacity: Capacity | None
) -> int | None:
    """Replicas that live traffic keeps; None when nobody knows."""
    asked = max(seen.wanted or 0, seen.desired if seen.desired > seen.floor else 0)
    demand = live_demand(seen)
    if demand is None:
        return asked if terms.budget_over else None
    capped = terms.hold_until_s is not None and now_s >= terms.hold_until_s
    margin = 1.0 if capped else terms.below
    if capacity is None and seen.capacity is not None:
        capacity = Capacity(per_replica=seen.capacity)
    if capacity is None:
        return None if seen.wanted is None else math.ceil(asked / margin)
    return max(asked, replicas_for(demand / margin, capacity))


def live_demand(seen: WorkloadObserved) -> float | None:
    """The highest recent demand; None when metrics are missing, or say what no demand can be."""
    if seen.demand is None or seen.demand_high is None:
        return None
    known = 0 <= seen.demand < math.inf and 0 <= seen.demand_high < math.inf
    return max(seen.demand, seen.demand_high) if known else None
