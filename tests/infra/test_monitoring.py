"""Alerts and dashboards name metrics that exist."""

import re

import msgspec
import pytest

from infra.monitoring import ALERTS, dashboard, rules, scrape
from infra.stacks import ROOT
from tests.infra.fabrics import described

METRIC = re.compile(r"isthmus_[a-z_]+")
SUFFIXES = ("_total", "_bucket")


def known() -> set[str]:
    sources = (*ROOT.glob("router/*.py"), *ROOT.glob("marketing/*.py"))
    return {name for path in sources for name in METRIC.findall(path.read_text())}


def test_every_metric_asked_for_is_one_a_program_has() -> None:
    """An alert on a metric that was renamed never fires."""
    asked = set(METRIC.findall(msgspec.json.encode([rules(), dashboard()]).decode()))
    bare = {name.removesuffix("_total").removesuffix("_bucket") for name in asked}
    assert bare
    assert bare - {name.removesuffix("_total") for name in known()} == set()


def test_what_breaks_the_first_promise_pages_at_once() -> None:
    """A blocked guard and a mechanism that is off wait for nobody."""
    urgent = {it.name for it in ALERTS if it.severity == "page" and it.hold == "0s"}
    assert {"IsthmusGuardBlocked", "IsthmusMechanismDisabled", "IsthmusDiscoveryRefused"} <= urgent


def test_what_discovery_refuses_and_what_it_no_longer_hears_raises_an_alarm() -> None:
    """By the metrics the router really has, whole; a short silence of an API server is no alarm."""
    source = (ROOT / "router/discovery_hub.py").read_text()
    rule = {it.name: it for it in ALERTS}
    for name, metric, exported in (
        ("IsthmusDiscoveryRefused", "isthmus_router_discovery_refused", "isthmus_router_discovery_refused_total"),
        ("IsthmusDiscoveryStale", "isthmus_router_discovery_stale", "isthmus_router_discovery_stale"),
    ):  # fmt: skip
        assert f'"{metric}"' in source
        assert METRIC.findall(rule[name].expr) == [exported]
        assert metric in str(dashboard())
    assert rule["IsthmusDiscoveryStale"].hold != "0s"


@pytest.mark.parametrize("site", ["public", "private"])
def test_without_an_operator_rules_and_targets_are_config_maps(site: str) -> None:
    """Named by their content, on both sites; the dashboard where Grafana looks for it."""
    stack = described()
    found = stack.one("ConfigMap", f"{site}-monitoring-prometheus")
    assert msgspec.json.decode(found.at("data")["rules.yaml"]) == msgspec.json.decode(
        msgspec.json.encode(rules())
    )
    assert re.fullmatch(r"isthmus-prometheus-[0-9a-f]{10}", found.at("metadata.name"))
    board = stack.one("ConfigMap", f"{site}-monitoring-dashboard")
    assert board.at("metadata.labels")["grafana_dashboard"] == "1"
    assert not stack.all("ServiceMonitor")


def test_with_an_operator_they_are_its_resources() -> None:
    """One ServiceMonitor for each workload that listens, routers by their probe port."""
    stack = described(monitoring="operator")
    monitors = stack.all("ServiceMonitor")
    assert len(monitors) == len(stack.all("Deployment")) - 1
    ports = {it.name: it.at("spec.endpoints.0.port") for it in monitors}
    assert ports["public-monitoring-router-edge"] == "probe"
    assert ports["private-monitoring-orders"] == "http"
    assert len(stack.all("PrometheusRule")) == 2
    assert not [it for it in stack.all("ConfigMap") if it.name.endswith("-prometheus")]


def test_a_routers_front_door_is_not_scraped() -> None:
    """Its http port is for clients."""
    job = scrape()["scrape_configs"][0]
    keep = re.compile(
        next(it["regex"] for it in job["relabel_configs"] if len(it["source_labels"]) == 2)
    )
    assert keep.fullmatch("router-core;probe")
    assert not keep.fullmatch("router-core;http")
    assert keep.fullmatch("ads;http")
