"""Figures of a run from its request rows: counts, latencies from the intended time, recovery times, seconds.

Pure. Percentiles are exact (nearest rank over all rows), not histogram estimates.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from contracts.load import Door, Operation, RequestRow, TrafficClass
from contracts.report import ClassFigures, Requests
from loadtest.report_chart import Second

LATE_US = 50_000
"""`late_sends` left more than this after their intended time (contracts.report.Requests)."""
SLOW_MS = 250.0
"""A request slower than this is as good as failed to a customer (design §7)."""
TROUBLE = frozenset({"failed", "unknown"})
"""Outcomes nobody decided on: shedding is an answer, these are not."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows count; None means all."""

    expected: TrafficClass | None = None
    door: Door | None = None
    operation: Operation | None = None

    def holds(self, row: RequestRow) -> bool:
        """Whether `row` is within."""
        return (
            (self.expected is None or row.expected == self.expected)
            and (self.door is None or row.door == self.door)
            and (self.operation is None or row.operation == self.operation)
        )


EVERYTHING = Scope()


def requests_of(rows: Iterable[RequestRow]) -> Requests:
    """The report's request figures; requests with unknown outcome are among the failed."""
    by_class: dict[TrafficClass, list[RequestRow]] = {}
    for row in rows:
        by_class.setdefault(row.expected, []).append(row)
    every = [row for of_class in by_class.values() for row in of_class]
    return Requests(
        sent=len(every),
        ok=_count(every, "ok"),
        failed=_troubled(every),
        shed=_count(every, "shed"),
        late_sends=sum(row.late_us > LATE_US for row in every),
        by_class={name: _class_figures(by_class[name]) for name in sorted(by_class)},
    )


def _class_figures(rows: Sequence[RequestRow]) -> ClassFigures:
    latencies = sorted(row.latency_us for row in rows)
    return ClassFigures(
        sent=len(rows),
        ok=_count(rows, "ok"),
        failed=_troubled(rows),
        shed=_count(rows, "shed"),
        p50_ms=quantile(latencies, 0.5) / 1000,
        p99_ms=quantile(latencies, 0.99) / 1000,
        p999_ms=quantile(latencies, 0.999) / 1000,
    )


def quantile(ordered: Sequence[int], share: float) -> int:
    """The nearest-rank quantile of ascending values, 0 for none."""
    if not ordered:
        return 0
    rank = -int(-share * len(ordered) // 1)
    return ordered[min(max(rank, 1), len(ordered)) - 1]


def rto_ms(  # noqa: PLR0913 - what counts as trouble, by name
    rows: Iterable[RequestRow],
    fault_mono_ns: int,
    *,
    until_mono_ns: int,
    slow_ms: float = SLOW_MS,
    scope: Scope = EVERYTHING,
    shed_is_trouble: bool = False,
) -> float:
    """How long after a fault requests still failed or took more than `slow_ms`; 0 if none did.

    The intended time of the last such request before `until_mono_ns`, minus the fault's. A request intended
    before the fault that it caught under way counts as 0: it was lost to the fault, not to slow recovery.
    """
    last_ns = max(
        (
            row.intended_mono_ns
            for row in rows
            if fault_mono_ns <= row.intended_mono_ns < until_mono_ns
            and scope.holds(row)
            and (
                row.outcome in TROUBLE
                or row.latency_us > slow_ms * 1000
                or (shed_is_trouble and row.outcome == "shed")
            )
        ),
        default=fault_mono_ns,
    )
    return (last_ns - fault_mono_ns) / 1e6


def within(
    rows: Iterable[RequestRow], since_mono_ns: int, *, until_mono_ns: int, scope: Scope = EVERYTHING
) -> Iterator[RequestRow]:
    """The rows intended from `since_mono_ns` up to, not including, `until_mono_ns`."""
    return (
        row
        for row in rows
        if since_mono_ns <= row.intended_mono_ns < until_mono_ns and scope.holds(row)
    )


def per_second(rows: Iterable[RequestRow], *, started_mono_ns: int) -> list[Second]:
    """One entry for every second by intended time, also for seconds without a request."""
    seconds: dict[int, list[RequestRow]] = {}
    for row in rows:
        seconds.setdefault((row.intended_mono_ns - started_mono_ns) // 10**9, []).append(row)
    return [_second(at, seconds.get(at, [])) for at in range(max(seconds, default=-1) + 1)]


def _second(second: int, rows: Sequence[RequestRow]) -> Second:
    latencies = sorted(row.latency_us for row in rows)
    return Second(
        second=second,
        sent=len(rows),
        ok=_count(rows, "ok"),
        failed=_troubled(rows),
        shed=_count(rows, "shed"),
        p50_ms=quantile(latencies, 0.5) / 1000,
        p99_ms=quantile(latencies, 0.99) / 1000,
    )


def failed_idempotent(rows: Iterable[RequestRow]) -> int:
    """Requests that could have been repeated by someone and failed all the same."""
    return sum(row.idempotent and row.outcome in TROUBLE for row in rows)


def edge_failed(rows: Iterable[RequestRow]) -> int:
    """Requests to the edge that were not served: failed, turned away, or of unknown fate."""
    return sum(row.door == "edge" and row.outcome != "ok" for row in rows)


def orders_failed(rows: Iterable[RequestRow]) -> int:
    """Orders that failed or were turned away for good, all attempts spent."""
    return sum(row.operation == "order" and row.outcome != "ok" for row in rows)


def public_beacons(rows: Iterable[RequestRow], public_sites: frozenset[str]) -> frozenset[str]:
    """Beacons that must have passed a tap: a public site said that it served them."""
    return frozenset(row.beacon for row in rows if row.beacon and row.served_site in public_sites)


def beacons_carried(rows: Iterable[RequestRow]) -> frozenset[str]:
    """All beacons sent; a tap may have seen any of these, whoever answered in the end, and no other."""
    return frozenset(row.beacon for row in rows if row.beacon)


def scan_misses(rows: Iterable[RequestRow], public_sites: frozenset[str]) -> int:
    """Requests with a canary that a public site served, whatever the status but the edge's refusal (421)."""
    return sum(
        row.canary > 0 and row.status != 421 and row.served_site in public_sites for row in rows
    )


def acked_clicks(rows: Iterable[RequestRow], sites: frozenset[str] | None = None) -> list[str]:
    """Event ids of clicks answered 202, by the sites named or by any."""
    return [
        row.event_id
        for row in rows
        if row.event_id and row.status == 202 and (sites is None or row.served_site in sites)
    ]


def canaries_planted(rows: Iterable[RequestRow]) -> int:
    """Canaries really sent in the run."""
    return sum(row.canary > 0 for row in rows)


def _count(rows: Iterable[RequestRow], outcome: str) -> int:
    return sum(row.outcome == outcome for row in rows)


def _troubled(rows: Iterable[RequestRow]) -> int:
    return sum(row.outcome in TROUBLE for row in rows)
