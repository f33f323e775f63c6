"""Counters that cost a dictionary write on the way of a request; the Prometheus client only renders them.

It is imported at the first scrape: ten ad nodes that start at once on two cores feel each import.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.core import CounterMetricFamily, Metric


class CounterTable:
    """One counter by its labels; `name` as exposed, without the `_total` the format adds."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...]) -> None:
        self.name = name
        self._text = text
        self._labels = labels
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, *labels: str, by: int = 1) -> None:
        """Count; labels in the order the table was made with."""
        self._counts[labels] = self._counts.get(labels, 0) + by

    def family(self) -> "CounterMetricFamily":
        """What the Prometheus client renders."""
        from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 -- see the module

        family = CounterMetricFamily(self.name, self._text, labels=self._labels)
        for labels, count in self._counts.items():
            family.add_metric(labels, count)
        return family


class _Families:
    def __init__(self, families: Iterable["Metric"]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable["Metric"]:
        return self._families


def render(families: Iterable["Metric"]) -> bytes:
    """The Prometheus text exposition of these families."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 -- see the module

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families))  # pyright: ignore[reportArgumentType] -- only collect() is used
    return generate_latest(registry)
