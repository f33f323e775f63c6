"""From a promotion and what was observed to everything that does not depend on other promotions."""

from collections.abc import Sequence

import msgspec

from autoscale.plan.budget import HOUR_S, Afforded, Span, afford
from autoscale.plan.curves import Curves
from autoscale.plan.durations import seconds, spoken
from autoscale.plan.model import Condition, Observed, World
from autoscale.plan.parts import Part, lead_of, nodes_of, parts_of
from autoscale.plan.steps import steps_down
from autoscale.plan.validity import faults_of
from contracts.promotion import Promotion, promotion_key


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """One promotion, ready to be added up with others.

    `nodes` is what it adds per pool after its budget, `wanted` before it, `explicit` the pools whose number was
    given. `due_s` is when everything must stand: the start, less the time for checks.
    """

    key: str
    promotion: Promotion
    acting: bool
    start_s: float
    end_s: float
    raise_s: float
    due_s: float
    lead_s: float
    parts: tuple[Part, ...]
    wanted: dict[str, int]
    explicit: frozenset[str]
    afforded: Afforded
    conditions: tuple[Condition, ...]

    @property
    def hold_until_s(self) -> float:
        """When the hold ends at the latest."""
        return self.afforded.hold_until_s

    def holds(self, now_s: float) -> bool:
        """Whether nothing of it may be given back yet: from the start of its lead to its end."""
        return self.raise_s <= now_s < self.end_s


def prepare(world: World, promotion: Promotion, curves: Curves) -> Prepared:
    """Judge one promotion by itself."""
    now_s, observed, timing = world.now_s, world.observed, world.timing
    faults = list(faults_of(promotion))
    parts, wrong = ([], []) if faults else parts_of(promotion, observed, curves)
    nodes, explicit, unknown = ({}, frozenset[str](), []) if faults else nodes_of(promotion, parts)
    lead_s = 0.0 if faults else lead_of(promotion, parts, nodes, observed=observed, timing=timing)
    key = promotion_key(promotion)
    start_s, end_s = promotion.spec.start.timestamp(), promotion.spec.end.timestamp()
    raise_s = _first_demand(parts, start_s) - lead_s
    hold_s = 0.0 if faults else seconds(promotion.spec.release.max_hold)
    span = Span(
        raise_s=raise_s, end_s=end_s, hold_s=end_s + hold_s, down_s=_down_s(promotion, parts, observed)
    )  # fmt: skip
    budget = promotion.spec.budget
    afforded = afford(
        nodes, span, node_hours=None if budget is None else budget.node_hours,
        spent=observed.spent_node_hours.get(key, 0.0), subject=key,
    )  # fmt: skip
    conditions = (*faults, *wrong, *unknown, *_of_time(promotion, now_s, raise_s, end_s=end_s))
    if afforded.condition is not None:
        conditions += (afforded.condition,)
    return Prepared(
        key=key, promotion=promotion, acting=not faults and acts(promotion),
        start_s=start_s, end_s=end_s, raise_s=raise_s, lead_s=lead_s, parts=tuple(parts),
        due_s=max(raise_s, start_s - timing.verify_s),
        wanted=nodes, explicit=explicit, afforded=afforded, conditions=conditions,
    )  # fmt: skip


def acts(promotion: Promotion) -> bool:
    """Whether it may write: by mode, approval, and having been known before it was over."""
    if promotion.created is not None and promotion.created >= promotion.spec.end:
        return False
    return promotion.spec.mode == "Auto" or (
        promotion.spec.mode == "Approve" and promotion.approved
    )


def _first_demand(parts: Sequence[Part], start_s: float) -> float:
    early = [part.curve.begins.timestamp() for part in parts if part.curve is not None]
    return min([start_s, *early])


def _down_s(promotion: Promotion, parts: Sequence[Part], observed: Observed) -> float:
    release = promotion.spec.release
    percent = int(release.step.rstrip("%"))
    most = 0
    for part in parts:
        base = observed.workloads[part.key].base
        most = max(most, steps_down(base + part.replicas, base, percent))
    return most * seconds(release.every) if most else 0.0


def _of_time(
    promotion: Promotion, now_s: float, raise_s: float, *, end_s: float
) -> list[Condition]:
    created, spec, key = promotion.created, promotion.spec, promotion_key(promotion)
    found: list[Condition] = []
    if created is not None and created >= spec.end:
        message = "it was over before it was known: nothing is scaled; set a later start and end"
        found.append(Condition(type="Past", subject=key, message=message))
    elif created is not None and created.timestamp() > raise_s and now_s < end_s:
        behind_s = created.timestamp() - raise_s
        message = (
            f"it became known {spoken(behind_s)} after its lead began: "
            "steps are larger and may not be done by the start"
        )
        found.append(
            Condition(type="Late", subject=key, message=message, shortfall=round(behind_s / HOUR_S, 2))
        )  # fmt: skip
    if spec.mode == "Approve" and not promotion.approved and now_s < end_s:
        message = "nothing is scaled until it is approved: annotate isthmus.dev/approved=true"
        found.append(Condition(type="AwaitingApproval", subject=key, message=message))
    return found
