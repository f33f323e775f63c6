"""How long nodes take, from earlier promotions: from the order to the last node Ready, as their statuses say. Pure.

Of fewer than twenty the 95th percentile is the highest, so the highest it is. A time beyond an hour is no start time:
a node was lost meanwhile, or the pool was too small.
"""

from collections.abc import Iterator

import msgspec

from autoscale.control.look import Look, Seen
from autoscale.plan.model import Timing

START_S_MAX = 3600.0
KEPT = 20
"""The latest so many per pool: a pool that became faster is believed in the end."""


def measured(look: Look, assumed: Timing) -> Timing:
    """`assumed`, with the node times of pools that promotions have used before."""
    found: dict[str, list[tuple[float, float]]] = {}
    for one in look.seen.values():
        for pool, at_s, took_s in _times(one):
            found.setdefault(pool, []).append((at_s, took_s))
    node_s = {pool: max(took for _, took in sorted(times)[-KEPT:]) for pool, times in found.items()}
    return msgspec.structs.replace(assumed, node_s=assumed.node_s | node_s)


def _times(one: Seen) -> Iterator[tuple[str, float, float]]:
    status, promotion = one.status, one.promotion
    if promotion is None or status.raise_at is None:
        return
    ordered = status.raise_at
    if promotion.created is not None:
        ordered = max(ordered, promotion.created)
    for condition in status.conditions:
        if (condition.type, condition.status) != ("NodesReady", "True"):
            continue
        took_s = (condition.last_transition_time - ordered).total_seconds()
        if 0 < took_s <= START_S_MAX:
            for entry in promotion.spec.nodes:
                yield entry.pool, ordered.timestamp(), took_s
