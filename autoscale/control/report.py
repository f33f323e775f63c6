"""What /metrics says: figures of the last pass and counts since the start, as Prometheus text."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from autoscale.control.controller import Passed
from runtime.metrics import render

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class Watched(msgspec.Struct, frozen=True):
    """One reflector's counts."""

    failures: int
    relists: int


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the process beside its last pass."""

    leading: bool
    passes: int
    crashes: int
    pass_s: float
    written: Mapping[str, int]
    watched: Mapping[str, Watched]
    last: Passed | None


def metrics_text(running: Running) -> bytes:
    """The exposition."""
    return render(list(_families(running)))


def _families(running: Running) -> Iterator["Metric"]:
    yield _gauge("leader", "1 where this replica holds the lease.", {(): float(running.leading)})
    yield _counter("passes", "Passes of the reconcile loop.", {(): running.passes})
    yield _counter("pass_failures", "Passes that ended in an error.", {(): running.crashes})
    yield _gauge("pass_seconds", "Duration of the last pass.", {(): running.pass_s})
    written = {(outcome,): count for outcome, count in running.written.items()}
    yield _counter("writes", "Writes by what became of them.", written, "outcome")
    failures = {(kind,): one.failures for kind, one in running.watched.items()}
    yield _counter("watch_failures", "Lists and watches that failed.", failures, "kind")
    relists = {(kind,): one.relists for kind, one in running.watched.items()}
    yield _counter("lists", "Whole lists taken.", relists, "kind")
    if running.last is not None:
        yield from _of_pass(running.last)


def _of_pass(last: Passed) -> Iterator["Metric"]:
    phases: dict[tuple[str, ...], float] = {}
    short: dict[tuple[str, ...], float] = {}
    gates: dict[tuple[str, ...], float] = {}
    spent: dict[tuple[str, ...], float] = {}
    for key, one in last.plan.promotions.items():
        phases[one.phase,] = phases.get((one.phase,), 0) + 1
        for condition in one.conditions:
            if condition.shortfall:
                short[key, condition.type] = condition.shortfall
        for gate in one.gates:
            gates[key, gate.kind, gate.subject] = float(gate.state == "missed")
        spent[key,] = round(last.look.observed.spent_node_hours.get(key, 0.0), 4)
    yield _gauge("promotions", "Promotions by phase.", phases, "phase")
    yield _gauge(
        "shortfall", "What is missing: nodes, or node-hours.", short, "promotion", "condition"
    )
    yield _gauge("gate_missed", "1 where a gate was missed.", gates, "promotion", "kind", "subject")
    yield _gauge("spent_node_hours", "Node-hours used so far.", spent, "promotion")
    floors = {(key,): float(one.floor) for key, one in last.look.targets.items()}
    yield _gauge("floor", "The floor in force.", floors, "workload")
    ready = {(key,): float(one.ready) for key, one in last.look.targets.items()}
    yield _gauge("ready", "Replicas that serve.", ready, "workload")
    nodes = {(pool,): float(one.ready) for pool, one in last.look.pools.items()}
    yield _gauge("nodes_ready", "Nodes Ready.", nodes, "pool")


def _gauge(name: str, text: str, values: Mapping[tuple[str, ...], float], *labels: str) -> "Metric":
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - as runtime.metrics

    family = GaugeMetricFamily(f"isthmus_autoscale_{name}", text, labels=labels)
    for of, value in values.items():
        family.add_metric(of, value)
    return family


def _counter(
    name: str, text: str, values: Mapping[tuple[str, ...], float], *labels: str
) -> "Metric":
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 - as runtime.metrics

    family = CounterMetricFamily(f"isthmus_autoscale_{name}", text, labels=labels)
    for of, value in values.items():
        family.add_metric(of, value)
    return family
