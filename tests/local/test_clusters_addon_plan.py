"""Which add-ons run, and what they are told."""

import pytest
import yaml

from contracts.cluster import ClusterSpec, NodePool
from local.clusters_addon_plan import (
    METRICS_PORT,
    PROMETHEUS_PORT,
    Place,
    command,
    metrics_objects,
    prometheus_config,
    wanted,
)
from local.clusters_block import Block

NET = Block(base=96, id="1a2b").site("public")
PLACE = Place(checkout="/c", engines="/b", kubeconfig="/k", pki="/pki", directory="/d")


def spec(*, metrics: bool = False, prometheus: bool = False, nodes_max: int = 0) -> ClusterSpec:
    pool = NodePool(
        name="ads", nodes=1, runtime="kwok", traffic_class="public", nodes_max=nodes_max
    )
    return ClusterSpec(
        environment="dev", site="public", pools=(pool,), metrics=metrics, prometheus=prometheus
    )


@pytest.mark.parametrize(
    ("asked", "runs"),
    [
        (spec(), set()),
        (spec(metrics=True), {"metrics-server"}),
        (spec(prometheus=True), {"prometheus"}),
        (spec(nodes_max=3), {"scaler"}),
        (spec(metrics=True, prometheus=True, nodes_max=3), {"metrics-server", "prometheus", "scaler"}),
    ],
)  # fmt: skip
def test_exactly_what_is_asked_for_runs(asked: ClusterSpec, runs: set[str]) -> None:
    """Each on its own."""
    assert wanted(asked) == runs


def test_the_metrics_api_leads_to_metrics_server_and_nowhere_else() -> None:
    """The API server finds it on its own loopback, at the port it listens on."""
    (_, service), (path, aggregated) = metrics_objects()
    arguments = command("metrics-server", spec(metrics=True), place=PLACE, net=NET)
    assert f"--secure-port={METRICS_PORT}" in arguments
    assert "--bind-address=127.0.0.1" in arguments
    assert service["spec"]["externalName"] == "127.0.0.1"
    assert aggregated["spec"]["service"]["port"] == METRICS_PORT
    assert path.endswith(aggregated["metadata"]["name"])


def test_prometheus_is_reached_where_the_api_server_is() -> None:
    """At the management address, with its data beside the cluster's."""
    arguments = command("prometheus", spec(prometheus=True), place=PLACE, net=NET)
    assert f"--web.listen-address={NET.management}:{PROMETHEUS_PORT}" in arguments
    assert "--storage.tsdb.path=/d/prometheus" in arguments


def test_prometheus_scrapes_the_api_server_and_pods_that_ask_for_it() -> None:
    """Series say environment and site; a pod without the annotation is left alone."""
    read = yaml.safe_load(prometheus_config(spec(prometheus=True), place=PLACE, net=NET))
    assert read["global"]["external_labels"] == {"environment": "dev", "site": "public"}
    server, pods = read["scrape_configs"]
    assert server["static_configs"][0]["targets"] == [f"{NET.management}:6443"]
    keep = pods["relabel_configs"][0]
    assert keep["action"] == "keep"
    assert keep["source_labels"] == ["__meta_kubernetes_pod_annotation_prometheus_io_scrape"]


def test_the_scaler_is_told_which_cluster_it_is_for() -> None:
    """Checkout, environment and site."""
    arguments = command("scaler", spec(nodes_max=2), place=PLACE, net=NET)
    assert arguments[1:3] == ("-m", "local.clusters_scaler")
    assert arguments[3:] == ("--root", "/c", "--environment", "dev", "--site", "public")
