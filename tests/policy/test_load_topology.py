"""topology.yaml to Topology, judged under a policy."""

import ipaddress

import msgspec
import pytest

from policy.load_topology import load_topology
from policy.problems import PolicyError
from policy.topology import Endpoint, KubernetesService, Topology
from tests.policy.samples import TOPOLOGY, demo_policy


def load(text: bytes) -> Topology:
    return load_topology(text, "topology.yaml", demo_policy())


def problems(text: bytes) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load(text)
    return str(caught.value).splitlines()


def test_a_good_topology_is_read_in_its_order() -> None:
    """Sites, networks, endpoints of both address families, reserves, brokers, warehouse."""
    topology = load(TOPOLOGY)
    public, private = topology.sites
    assert (public.name, private.name) == ("public", "private")
    assert public.services["ads"][0] == Endpoint(
        host="127.0.1.11", port=8080, node="ad-1", zone="a"
    )
    assert private.services["orders"][0].host == "fd00::1"
    assert private.networks == (
        ipaddress.ip_network("127.0.2.0/24"), ipaddress.ip_network("fd00::/64"),
    )  # fmt: skip
    assert private.reserve == {"ads": 0.2, "raised": 0.1}
    assert public.kafka is not None
    assert (public.kafka.bootstrap, public.kafka.client) == (
        ("127.0.1.9:9092",),
        "file:client.properties",
    )
    assert (private.warehouse_dsn, public.ca) == ("env:WAREHOUSE_DSN", "file:public-ca.pem")


def test_one_site_is_a_topology() -> None:
    """The edge knows only its own."""
    text = TOPOLOGY[: TOPOLOGY.index(b"  private:")]
    assert [site.name for site in load(text).sites] == ["public"]


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "what"),
    [
        (b"  private:", b"  privte:", 10, "sites.privte", 'mean "private"?'),
        (b"127.0.1.11:8080", b"127.0.2.11:8080", 7, "sites.public.services.ads.endpoints[0].address", "lies outside"),
        (b"127.0.1.11:8080", b"10.0.0.1:8080", 7, "sites.public.services.ads.endpoints[0].address", "lies outside"),
        (b"127.0.1.11:8080", b"ad-1.internal:8080", 7, "sites.public.services.ads.endpoints[0].address", "no IP address"),
        (b"127.0.1.11:8080", b"127.0.1.11", 7, "sites.public.services.ads.endpoints[0].address", "does not fit"),
        (b"127.0.1.11:8080", b"127.0.1.11:0", 7, "sites.public.services.ads.endpoints[0].address", "port 0"),
        (b"127.0.1.11:8080", b"127.0.1.11:65536", 7, "sites.public.services.ads.endpoints[0].address", "port 65536"),
        (b"127.0.1.12:8080", b"127.0.1.11:8080", 7, "sites.public.services.ads.endpoints[1].address", "stands twice, first on line 7"),
        (b"node: ad-2", b"node: ad-1", 7, "sites.public.services.ads.endpoints[1].node", "stands twice"),
        (b"127.0.1.9:9092", b"127.0.2.9:9092", 9, "sites.public.kafka.bootstrap[0]", "lies outside"),
        (b"127.0.1.9:9092", b"kafka:99999", 9, "sites.public.kafka.bootstrap[0]", "port 99999"),
        (b"[127.0.2.0/24", b"[127.0.1.128/25", 11, "sites.private.networks[0]", "overlaps 127.0.1.0/24 of public"),
        (b"[127.0.1.0/24]", b"[127.0.1.1/24]", 4, "sites.public.networks[0]", "write 127.0.1.0/24"),
        (b"[127.0.1.0/24]", b"[localnet]", 4, "sites.public.networks[0]", "a network such as"),
        (b"ads: 0.2", b"ads: 1.2", 12, "sites.private.reserve.ads", "1.2 is out of range"),
        (b"ads: 0.2", b"ads: -0.2", 12, "sites.private.reserve.ads", "-0.2 is out of range"),
        (b"ads: 0.2", b"ads: lots", 12, "sites.private.reserve.ads", "is text"),
        (b"ads: 0.2", b"ad: 0.2", 12, "sites.private.reserve.ad", 'mean "ads"?'),
        (b"zone: a", b"zne: a", 7, "sites.public.services.ads.endpoints[0].zne", 'mean "zone"?'),
        (b"file:public-ca.pem", b"public-ca.pem", 5, "sites.public.ca", "does not fit"),
        (b"version: isthmus/v1", b"version: 1", 1, "version", "is a number"),
    ],
)  # fmt: skip
def test_each_fault_names_line_path_and_fix(
    old: bytes, new: bytes, line: int, path: str, what: str
) -> None:
    """One change, and a problem that says where, what, expected and fix."""
    assert old in TOPOLOGY
    said = problems(TOPOLOGY.replace(old, new, 1))
    assert any(
        problem.startswith(f"topology.yaml:{line}: {path}: ") and what in problem
        for problem in said
    ), said
    assert all("; expected " in problem and "; fix: " in problem for problem in said)


def test_a_broker_may_be_named() -> None:
    """Kafka's own names are resolved by its client; a service's would be resolved by nobody we trust."""
    topology = load(TOPOLOGY.replace(b"127.0.1.9:9092", b"kafka.public.example:9092"))
    assert topology.sites[0].kafka is not None


def test_sites_with_the_same_holds_may_share_a_network() -> None:
    """Only a border between classes needs disjoint addresses."""
    policy = demo_policy()
    twin = {**policy.sites, "private": policy.sites["public"]}
    shared = TOPOLOGY.replace(b"127.0.2.", b"127.0.1.")
    assert any("overlaps" in problem for problem in problems(shared))
    assert load_topology(shared, "t", msgspec.structs.replace(policy, sites=twin))


def test_faults_of_both_sites_are_told_at_once() -> None:
    """In file order."""
    text = TOPOLOGY.replace(b"127.0.1.11:8080", b"10.0.0.1:8080").replace(b"ads: 0.2", b"ads: 2")
    assert [problem.split(":")[1] for problem in problems(text)] == ["7", "12"]


def test_an_unreadable_network_does_not_make_every_address_foreign() -> None:
    """One cause, one problem."""
    assert len(problems(TOPOLOGY.replace(b"[127.0.1.0/24]", b"[localnet]"))) == 1


IN_CLUSTER = b"""\
version: isthmus/v1
sites:
  public:
    networks: [127.0.1.0/24]
    services:
      ads:
        kubernetes: {kubeconfig: "file:pub.kubeconfig", namespace: ads, service: ads, port: http}
  private:
    networks: [127.0.2.0/24]
    services: {orders: {kubernetes: {kubeconfig: "file:/run/prv", namespace: shop, service: orders, port: 8080}}}
"""


def test_a_service_may_be_found_in_a_cluster() -> None:
    """It is a service of the site, without endpoints yet; its port is a name or a number."""
    public, private = load(IN_CLUSTER).sites
    assert public.services == {"ads": ()}
    assert public.kubernetes["ads"] == KubernetesService(
        kubeconfig="file:pub.kubeconfig", namespace="ads", service="ads", port="http"
    )
    assert private.kubernetes["orders"].port == 8080
    assert load(TOPOLOGY).sites[0].kubernetes == {}


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "what"),
    [
        (b"file:pub.kubeconfig", b"pub.kubeconfig", 7, "sites.public.services.ads.kubernetes.kubeconfig", "file:PATH of a kubeconfig"),
        (b"namespace: ads", b"namespace: Ads_1", 7, "sites.public.services.ads.kubernetes.namespace", "does not fit"),
        (b"port: http", b"port: http, prt: 1", 7, "sites.public.services.ads.kubernetes.prt", 'mean "port"?'),
        (b", port: http", b"", 7, "sites.public.services.ads.kubernetes", 'key "port" is missing'),
        (b"port: 8080", b"port: 0", 10, "sites.private.services.orders.kubernetes.port", "0 is out of range"),
        (b"port: 8080", b"port: 65536", 10, "sites.private.services.orders.kubernetes.port", "65536 is out of range"),
        (b"port: 8080", b"port: [1]", 10, "sites.private.services.orders.kubernetes.port", "is a list"),
        (b"ads:\n        kubernetes:", b"ads:\n        endpoints: [{address: '127.0.1.9:1', node: a}]\n        kubernetes:", 6, "sites.public.services.ads", "says twice"),
        (b'{orders: {kubernetes: {kubeconfig: "file:/run/prv", namespace: shop, service: orders, port: 8080}}}', b"{orders: {}}", 10, "sites.private.services.orders", "says nothing of where"),
    ],
)  # fmt: skip
def test_each_fault_of_a_service_in_a_cluster_is_named(
    old: bytes, new: bytes, line: int, path: str, what: str
) -> None:
    """Where, what, expected and fix; a faulty part is one problem, not two."""
    assert old in IN_CLUSTER
    said = problems(IN_CLUSTER.replace(old, new, 1))
    assert len(said) == 1, said
    assert said[0].startswith(f"topology.yaml:{line}: {path}: "), said
    assert what in said[0]
    assert "; expected " in said[0]
    assert "; fix: " in said[0]
