"""Are the clicks a client was told were accepted in the warehouse, each exactly once? Pure."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from contracts.bridge import BridgeVerify
from contracts.report import Events


class EventRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One warehouse row of the run; `latency_ms` from acceptance by the service to the committed row."""

    event_id: str
    latency_ms: float


def check_events(acked: Iterable[str], rows: Iterable[EventRow]) -> Events:
    """Count lost (acked, no row) and duplicate (more than one row) events.

    A row nobody was told about is no fault: its answer may have been lost on the way.
    """
    latencies: list[float] = []
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row.event_id] += 1
        latencies.append(row.latency_ms)
    wanted = set(acked)
    latencies.sort()
    return Events(
        produced=len(wanted),
        warehouse=len(latencies),
        lost=sum(event not in seen for event in wanted),
        duplicate=sum(count - 1 for count in seen.values()),
        p50_ms=_quantile(latencies, 0.5),
        p99_ms=_quantile(latencies, 0.99),
    )


def with_link(events: Events, link: BridgeVerify) -> Events:
    """The same, as bad as the checker of the link says by coordinates and digests if that is worse.

    A record altered or out of order on the way is lost as what it was.
    """
    topics = link.topics
    lost = sum(it.lost + it.altered + it.reordered + it.warehouse_lost for it in topics)
    duplicate = sum(it.duplicate + it.warehouse_duplicate for it in topics)
    return msgspec.structs.replace(
        events, lost=max(events.lost, lost), duplicate=max(events.duplicate, duplicate)
    )


def _quantile(ordered: list[float], share: float) -> float:
    if not ordered:
        return 0.0
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
