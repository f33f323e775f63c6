"""Network policies: each line in both clusters, and no other way in or out."""

from collections.abc import Iterator

from infra.config import Settings, parse
from infra.lines import lines
from infra.policy_file import read_policy
from infra.reach import Places, policy_spec
from infra.stacks import ROOT
from infra.workloads import workloads
from tests.infra.fabrics import described
from tests.infra.stage import NETWORKS, fabric_values

POLICY, _ = read_policy(Settings(), ROOT)


def targets(name: str, way: str = "egress", **changed: str) -> set[str]:
    """What one workload's policy opens, as `peer:port`."""
    spec = described(**changed).one("NetworkPolicy", name).at("spec")
    return set(_opened(spec[way], "to" if way == "egress" else "from"))


def _opened(rules: list[dict], end: str) -> Iterator[str]:
    for rule in rules:
        assert rule[end], "a rule without peers is open to everybody"
        for peer in rule[end]:
            for port in rule["ports"]:
                yield f"{_peer(peer)}:{int(port['port'])}"


def _peer(peer: dict) -> str:
    if "ipBlock" in peer:
        return peer["ipBlock"]["cidr"]
    labels = (peer.get("podSelector") or peer["namespaceSelector"])["matchLabels"]
    return (
        labels.get("app.kubernetes.io/name")
        or labels.get("k8s-app")
        or labels["kubernetes.io/metadata.name"]
    )


def test_both_ways_are_closed_for_every_workload() -> None:
    """What is not opened below is shut, in and out."""
    stack = described()
    policies = {it.name: it for it in stack.all("NetworkPolicy")}
    assert set(policies) == {it.name for it in stack.all("Deployment")}
    assert all(it.at("spec.policyTypes") == ["Ingress", "Egress"] for it in policies.values())


def test_the_edge_reaches_its_own_site_and_nothing_else() -> None:
    """Two services and its API server; no private address at all."""
    assert targets("public-router-edge") == {"ads:8080", "clicks:8080", "10.1.0.1/32:6443"}


def test_ads_go_nowhere() -> None:
    """They answer; they never ask."""
    assert targets("public-ads") == set()
    assert targets("public-ads", "ingress") == {
        "router-edge:8080",
        "10.2.0.0/16:8080",
        "monitoring:8080",
    }


def test_nothing_public_is_let_into_the_private_site() -> None:
    """No private workload has an opening for a public address, but the API host for its clients."""
    for it in described().all("NetworkPolicy"):
        if it.name.startswith("private-"):
            ways = targets(it.name, "ingress", clientNetworks='["192.0.2.0/24"]')
            assert not any(way.startswith("10.1.") for way in ways)
            assert ("192.0.2.0/24:8080" in ways) == (it.name == "private-router-core")


def test_orders_hear_the_core_router_alone() -> None:
    """And reach their database alone."""
    assert targets("private-orders", "ingress") == {"router-core:8080", "monitoring:8080"}
    assert targets("private-orders") == {"10.2.0.8/32:5432"}


def test_the_bridge_opens_every_connection_itself() -> None:
    """Nobody may connect to it; it reaches two brokers and the warehouse."""
    assert targets("private-bridge", "ingress") == set()
    assert targets("private-bridge") == {"10.1.0.9/32:9092", "10.2.0.9/32:9092", "10.2.0.8/32:5432"}


def test_metrics_are_scraped_where_clients_do_not_come() -> None:
    """A router's metrics are on its probe port, for the monitoring namespace alone."""
    assert targets("public-router-edge", "ingress") == {"0.0.0.0/0:8080", "monitoring:9090"}


def spec_of(name: str, *, endpoint: str, **changed: str):
    settings = parse(fabric_values(**changed))
    listed = workloads(settings, POLICY)
    places = Places(
        settings=settings, networks={"public": NETWORKS["public"], "private": NETWORKS["private"]},
        endpoints={"public": endpoint, "private": endpoint},
    )  # fmt: skip
    workload = next(it for it in listed if f"{it.site}-{it.name}" == name)
    return policy_spec(workload, lines(listed, POLICY), places)


def blocks(spec) -> set[str]:
    return {
        peer.ip_block.cidr for rule in spec.egress for peer in rule.to if peer.ip_block is not None
    }


def ports(spec) -> set[int]:
    return {port.port for rule in spec.egress for port in rule.ports}


def test_dns_is_open_only_to_who_needs_a_name() -> None:
    """With addresses everywhere no pod may ask a resolver: names are a way out for bytes."""
    assert 53 not in ports(spec_of("private-orders", endpoint="https://10.2.0.1:6443"))
    named = spec_of(
        "private-orders", endpoint="https://10.2.0.1:6443", ledgerDsn="host=db.example dbname=x"
    )
    assert 53 in ports(named)
    assert blocks(named) == {"10.2.0.0/16"}


def test_an_api_server_known_by_name_is_where_it_is_said_to_be() -> None:
    """In its site's networks, or in those configured; never everywhere."""
    url = "https://x.eks.example"
    assert blocks(spec_of("public-router-edge", endpoint=url)) == {"10.1.0.0/16"}
    told = spec_of("public-router-edge", endpoint=url, publicApiNetworks='["198.51.100.0/24"]')
    assert blocks(told) == {"198.51.100.0/24"}
    assert 443 in ports(told)


def test_a_database_behind_a_unix_socket_opens_nothing() -> None:
    """There is no address to open."""
    found = spec_of("private-orders", endpoint="https://10.2.0.1:6443", ledgerDsn="host=/run/pg")
    assert found.egress == []
