"""What a promotion's budget carries: how many of its nodes, and until when they may be held.

The bill is nodes x (start of the lead until the last release), the stepping down after the hold included. A
budget that does not reach the end takes nodes, not time: fewer nodes all the way, and the shortfall is said.
"""

import math

import msgspec

from autoscale.plan.model import Condition

HOUR_S = 3600.0
LAST_S = 60.0
"""A budget with less than this left counts as spent: the next look may come a minute later."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """When a promotion's nodes stand: from `raise_s` over `end_s`, held to `hold_s` at most, then stepped down."""

    raise_s: float
    end_s: float
    hold_s: float
    down_s: float


class Afforded(msgspec.Struct, frozen=True, kw_only=True):
    """`share` of the nodes, held until `hold_until_s`; `node_hours` is the bill at most."""

    share: float
    nodes: dict[str, int]
    hold_until_s: float
    node_hours: float
    spent: bool
    condition: Condition | None


def afford(
    nodes: dict[str, int], span: Span, *, node_hours: float | None, spent: float, subject: str
) -> Afforded:
    """Cut nodes and hold to the budget; without one, nothing is cut."""
    wanted = sum(nodes.values())
    must_h = (span.end_s - span.raise_s + span.down_s) / HOUR_S
    hold_h = (span.hold_s - span.end_s) / HOUR_S
    if node_hours is None or wanted == 0:
        return Afforded(
            share=1.0, nodes=nodes, hold_until_s=span.hold_s, node_hours=wanted * (must_h + hold_h),
            spent=False, condition=None,
        )  # fmt: skip
    share = min(1.0, node_hours / (wanted * must_h))
    kept = {pool: math.floor(count * share + 1e-9) for pool, count in nodes.items()}
    total = sum(kept.values())
    held_h = min(hold_h, node_hours / total - must_h) if total else 0.0
    missing = wanted * must_h - node_hours
    return Afforded(
        share=share if total == wanted else total / wanted, nodes=kept,
        hold_until_s=span.end_s + max(0.0, held_h) * HOUR_S,
        node_hours=total * (must_h + max(0.0, held_h)),
        spent=node_hours - spent < total * LAST_S / HOUR_S,
        condition=None if share == 1.0 else _short(missing, kept, nodes, subject),
    )  # fmt: skip


def _short(missing: float, kept: dict[str, int], wanted: dict[str, int], subject: str) -> Condition:
    fewer = ", ".join(f"{kept[p]} instead of {wanted[p]} nodes of {p}" for p in sorted(wanted))
    return Condition(
        type="OverBudget", subject=subject, shortfall=round(missing, 2),
        message=f"the budget is {missing:.1f} node-hours short: it carries {fewer}; "
        "raise budget.nodeHours, or shorten the promotion or its lead",
    )  # fmt: skip
