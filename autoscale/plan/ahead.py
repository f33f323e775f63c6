"""Days ahead: whether a pool's maximum carries every promotion together, at every moment to come."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from autoscale.plan.model import Condition, PoolObserved
from autoscale.plan.prepare import Prepared


def shortfalls(
    now_s: float, promotions: Sequence[Prepared], pools: Mapping[str, PoolObserved]
) -> dict[str, list[Condition]]:
    """By promotion: pools that are too small at some moment from its lead to its end, and by how many nodes."""
    found: dict[str, list[Condition]] = {}
    ahead = [prepared for prepared in promotions if prepared.end_s > now_s]
    for pool, seen in pools.items():
        using = [prepared for prepared in ahead if prepared.afforded.nodes.get(pool)]
        if seen.maximum is None or not using:
            continue
        for prepared, short, wanted in _short(pool, seen, using, maximum=seen.maximum):
            found.setdefault(prepared.key, []).append(
                _condition(pool, prepared, short=short, wanted=wanted, maximum=seen.maximum)
            )
    return found


def _short(
    pool: str, seen: PoolObserved, using: Sequence[Prepared], *, maximum: int
) -> list[tuple[Prepared, int, int]]:
    base = seen.base
    if not any(pool in prepared.explicit for prepared in using):
        base = min(base, seen.others)
    acting = [prepared for prepared in using if prepared.acting]
    starts = np.array([prepared.raise_s for prepared in acting])
    ends = np.array([prepared.end_s for prepared in acting])
    nodes = np.array([prepared.afforded.nodes[pool] for prepared in acting], dtype=np.int64)
    moments = np.concatenate([ends, starts])
    # An end and a start at the same moment do not overlap: ends come first in a stable order.
    order = np.argsort(moments, kind="stable")
    levels = np.concatenate([[0], np.cumsum(np.concatenate([-nodes, nodes])[order])])
    moments = moments[order]
    found: list[tuple[Prepared, int, int]] = []
    for prepared in using:
        first = int(np.searchsorted(moments, prepared.raise_s, side="right"))
        last = int(np.searchsorted(moments, prepared.end_s, side="left"))
        peak = int(levels[first : max(last, first) + 1].max())
        wanted = base + peak + (0 if prepared.acting else prepared.afforded.nodes[pool])
        if wanted > maximum:
            found.append((prepared, wanted - maximum, wanted))
    return found


def _condition(
    pool: str, prepared: Prepared, *, short: int, wanted: int, maximum: int
) -> Condition:
    since = f"{datetime.fromtimestamp(prepared.raise_s, UTC):%Y-%m-%d %H:%M} UTC"
    return Condition(
        type="Infeasible", subject=pool, shortfall=short,
        message=f"{short} nodes short: pool {pool} may have {maximum}, {wanted} are needed from {since} on; "
        f"raise its maximum to {wanted}, add fewer nodes, or move the promotion",
    )  # fmt: skip
