"""Metrics: named as promised, counted exactly."""

from prometheus_client.parser import text_string_to_metric_families

from router.metrics import BUCKETS_S, Metrics
from runtime.metrics import CounterTable


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def test_every_promised_metric_is_there_and_counts() -> None:
    """Requests by route, class, site and code; decisions by kind; blocks, raised, rejected."""
    metrics = Metrics(lambda: [("isthmus_router_upstream_state", "s", (("node", "a"),), 3.0)])
    metrics.request("ads", "public", site="public", status=200)
    metrics.request("ads", "public", site="public", status=200)
    metrics.decision("raised")
    metrics.guard_blocks = 2
    metrics.raised = 3
    metrics.config_rejected = 4
    seen = samples(metrics)
    labels = (("class", "public"), ("code", "200"), ("route", "ads"), ("site", "public"))
    assert seen["isthmus_router_requests_total", labels] == 2
    assert seen["isthmus_router_decisions_total", (("kind", "raised"),)] == 1
    assert seen["isthmus_router_guard_blocks_total", ()] == 2
    assert seen["isthmus_router_raised_total", ()] == 3
    assert seen["isthmus_config_rejected_total", ()] == 4
    assert seen["isthmus_router_upstream_state", (("node", "a"),)] == 3


def test_tables_of_other_modules_are_rendered_with_it() -> None:
    """Discovery counts in tables of its own."""
    metrics = Metrics(list)
    table = CounterTable("isthmus_router_discovery_refused", "r", ("site", "service", "why"))
    table.add("public", "ads", "outside")
    metrics.tables = (table,)
    labels = (("service", "ads"), ("site", "public"), ("why", "outside"))
    assert samples(metrics)["isthmus_router_discovery_refused_total", labels] == 1


def test_durations_fall_into_cumulative_buckets() -> None:
    """A value on a bound belongs to it; the last bucket holds all."""
    metrics = Metrics(list)
    for elapsed_s in (0.001, 0.2, 99.0):
        metrics.duration("public", elapsed_s)
    seen = samples(metrics)

    def bucket(bound: str) -> float:
        return seen["isthmus_router_duration_seconds_bucket", (("class", "public"), ("le", bound))]

    assert bucket("0.001") == 1
    assert bucket("0.2") == 2
    assert bucket(str(BUCKETS_S[-1])) == 2
    assert bucket("+Inf") == 3
    assert seen["isthmus_router_duration_seconds_count", (("class", "public"),)] == 3
