"""Rows of the demo's generator in the shape of a driven run. Pure.

A kind is an operation at a class, such as `ads.raised`: the demo's plan knows which requests carry a canary.
"""

from collections.abc import Iterable, Iterator

from contracts.drive import DriveRow, LoadCell
from contracts.load import LoadPlan, Operation, RequestRow, TrafficClass
from loadtest.drive.histogram import Latencies
from loadtest.figures import LATE_US, SLOW_MS

SERVICES: dict[Operation, str] = {
    "ads": "ads", "click": "clicks", "order": "orders", "profile": "profiles",
}  # fmt: skip
SLOW_US = int(SLOW_MS * 1000)


def demo_classes(plan: LoadPlan) -> tuple[dict[str, TrafficClass], dict[str, str]]:
    """Class and service of every kind the plan can send."""
    classes: dict[str, TrafficClass] = {}
    services: dict[str, str] = {}
    for operation in plan.mix:
        for traffic in _classes_of(operation):
            kind = f"{operation}.{traffic}"
            classes[kind] = traffic
            services[kind] = SERVICES[operation]
    return classes, services


def _classes_of(operation: Operation) -> tuple[TrafficClass, ...]:
    return ("public", "raised") if operation in {"ads", "click"} else ("sensitive",)


def demo_cells(rows: Iterable[RequestRow], started_mono_ns: int) -> Iterator[LoadCell]:
    """One cell per second and kind."""
    groups: dict[tuple[int, str], list[RequestRow]] = {}
    for row in rows:
        second = (row.intended_mono_ns - started_mono_ns) // 10**9
        groups.setdefault((second, _kind(row)), []).append(row)
    for (second, kind), group in groups.items():
        latencies = Latencies()
        latencies.record([row.latency_us for row in group if row.outcome == "ok" or not row.status])
        yield LoadCell(
            second,
            kind,
            len(group),
            sum(row.outcome == "ok" for row in group),
            sum(row.outcome == "failed" for row in group),
            sum(row.outcome == "shed" for row in group),
            sum(row.outcome == "unknown" for row in group),
            sum(row.late_us > LATE_US for row in group),
            latencies.encode() if latencies.count else "",
        )


def demo_rows(rows: Iterable[RequestRow]) -> Iterator[DriveRow]:
    """The requests that are worth a row in a driven run."""
    for row in rows:
        if (
            row.outcome != "ok" or row.latency_us > SLOW_US or row.late_us > LATE_US
            or row.beacon or row.canary or row.operation == "order"
        ):  # fmt: skip
            yield DriveRow(
                row.n, row.intended_mono_ns, row.latency_us, row.late_us, _kind(row), row.status,
                row.outcome, row.attempts, row.served_site, row.beacon, row.canary,
            )  # fmt: skip


def _kind(row: RequestRow) -> str:
    return f"{row.operation}.{row.expected}"
