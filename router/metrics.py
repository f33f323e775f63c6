"""Every metric of the router: names, labels and buckets in one file; plain counters, rendered when asked.

Counting is a dictionary write on the way of each request; the Prometheus client only renders.
"""

import bisect
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from runtime.metrics import CounterTable, render

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds; 0.2 s is a public attempt's limit and 0.25 s the slow mark of the verdict."""

Gauges = Callable[[], Iterable[tuple[str, str, tuple[tuple[str, str], ...], float]]]
"""Asked at each render: (name, help, labels, value)."""


class Metrics:
    """The counters of one worker."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges
        self.tables: tuple[CounterTable, ...] = ()
        self._requests = CounterTable(
            "isthmus_router_requests", "Requests answered.", ("route", "class", "site", "code")
        )
        self._decisions = CounterTable(
            "isthmus_router_decisions", "Decisions, as evidence records them.", ("kind",)
        )
        self._durations: dict[str, tuple[list[int], list[float]]] = {}
        self.guard_blocks = 0
        self.raised = 0
        self.config_rejected = 0
        self.retries = 0

    def request(self, route: str, traffic: str, *, site: str, status: int) -> None:
        """Count one answered request."""
        self._requests.add(route, traffic, site, str(status))

    def decision(self, kind: str) -> None:
        """Count one decision, of the kind that evidence records or counts it under."""
        self._decisions.add(kind)

    def duration(self, traffic: str, elapsed_s: float) -> None:
        """Observe the time from a whole head to the end of the answer."""
        seen = self._durations.get(traffic)
        if seen is None:
            seen = self._durations[traffic] = ([0] * (len(BUCKETS_S) + 1), [0.0])
        seen[0][bisect.bisect_left(BUCKETS_S, elapsed_s)] += 1
        seen[1][0] += elapsed_s

    def render(self) -> bytes:
        """The Prometheus text exposition."""
        return render(self.collect())

    def collect(self) -> Iterator[Metric]:
        """Every family of this worker as it stands."""
        yield self._requests.family()
        yield self._decisions.family()
        yield from (table.family() for table in self.tables)
        yield self._histogram()
        for name, text, value in (
            ("isthmus_router_guard_blocks", "Requests the guard stopped.", self.guard_blocks),
            ("isthmus_router_raised", "Public candidates raised to sensitive.", self.raised),
            ("isthmus_router_retries", "Attempts after the first.", self.retries),
            ("isthmus_config_rejected", "Configuration files refused.", self.config_rejected),
        ):
            yield CounterMetricFamily(name, text, value=value)
        yield from self._gauge_families()

    def _histogram(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(
            "isthmus_router_duration_seconds", "Time from head to end of answer.", labels=("class",)
        )
        for traffic, (counts, total) in self._durations.items():
            running, buckets = 0, list[tuple[str, float]]()
            for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), counts, strict=True):
                running += count
                buckets.append((bound, float(running)))
            family.add_metric((traffic,), buckets, total[0])
        return family

    def _gauge_families(self) -> Iterator[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for name, text, labels, value in self._gauges():
            family = families.get(name)
            if family is None:
                family = GaugeMetricFamily(name, text, labels=tuple(key for key, _ in labels))
                families[name] = family
            family.add_metric(tuple(label for _, label in labels), value)
        yield from families.values()
