"""The expositions of several workers as one: counters and histograms add up, states take the worst."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

_WORST = frozenset(
    {
        "isthmus_router_upstream_state",
        "isthmus_router_site_state",
        "isthmus_router_disabled",
        "isthmus_router_discovery_age_seconds",
        "isthmus_router_discovery_endpoints",
        "isthmus_router_discovery_stale",
    }
)
"""Gauges that are not amounts: the largest value of any worker stands."""

Key = tuple[str, tuple[tuple[str, str], ...]]


class _Family:
    def __init__(self, name: str, text: str, kind: str) -> None:
        self.name, self.text, self.kind = name, text, kind
        self.values: dict[Key, float] = {}

    def add(self, key: Key, value: float) -> None:
        before = self.values.get(key)
        if before is None:
            self.values[key] = value
        else:
            self.values[key] = max(before, value) if self.name in _WORST else before + value


class _Merged(Collector):
    def __init__(self, families: Iterable[_Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            metric = Metric(family.name, family.text, family.kind)
            for (name, labels), value in family.values.items():
                metric.add_sample(name, dict(labels), value)
            yield metric


def merge(texts: Iterable[bytes], *, counters_only: bool = False) -> bytes:
    """One exposition of all of `texts`; `counters_only` leaves gauges out, as for workers that are gone."""
    families: dict[str, _Family] = {}
    for text in texts:
        for read in text_string_to_metric_families(text.decode()):
            if counters_only and read.type == "gauge":
                continue
            family = families.setdefault(
                read.name, _Family(read.name, read.documentation, read.type)
            )
            for sample in read.samples:
                family.add((sample.name, tuple(sorted(sample.labels.items()))), sample.value)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Merged(families.values()))
    return generate_latest(registry)
