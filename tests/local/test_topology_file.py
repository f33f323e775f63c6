"""The topology files a cloud writes are valid, and the edge's knows no private address."""

from local.plan import POLICY
from local.topology_file import core_topology, edge_topology
from policy.load import load_policy
from policy.load_topology import load_topology
from tests.local.grounds import ground_of

GROUND = ground_of()
RULES = load_policy(POLICY.read_bytes(), "policy.yaml")


def test_the_core_knows_both_sites_in_order_of_preference() -> None:
    """Public first; ten ad nodes and the reserve; every public endpoint is a listener of the site link."""
    topology = load_topology(core_topology(GROUND, 10).encode(), "topology.yaml", RULES)
    assert [site.name for site in topology.sites] == ["public", "private"]
    public, private = topology.sites
    assert len(public.services["ads"]) == 10
    assert {e.host for endpoints in public.services.values() for e in endpoints} == {"127.0.1.2"}
    assert set(private.services) == {"ads", "clicks", "orders", "profiles"}
    assert private.reserve["ads"] > 0
    assert private.warehouse_dsn.startswith("file:")


def test_the_edge_knows_the_public_site_alone() -> None:
    """No private address, no DSN; every endpoint is a listener of the relay inside the site."""
    text = edge_topology(GROUND, 10)
    topology = load_topology(text.encode(), "topology.yaml", RULES)
    assert [site.name for site in topology.sites] == ["public"]
    assert {e.host for endpoints in topology.sites[0].services.values() for e in endpoints} == {
        "127.0.1.3"
    }
    assert "127.0.2." not in text
    assert "dsn" not in text


def test_the_demo_policy_reads() -> None:
    """The shipped policy has the demo's routes and its one stream."""
    assert [route.id for route in RULES.routes] == ["ads", "click", "orders", "profiles"]
    assert [(s.topic, s.source, s.target) for s in RULES.streams] == [
        ("clicks", "public", "private")
    ]
