"""What the compiled topology answers."""

from policy.load_topology import load_topology
from tests.policy.samples import TOPOLOGY, demo_policy


def test_sites_are_found_by_name() -> None:
    """A name that is not there is None, not an error."""
    topology = load_topology(TOPOLOGY, "t", demo_policy())
    site = topology.site("private")
    assert site is not None
    assert site.name == "private"
    assert topology.site("elsewhere") is None


def test_addresses_are_host_and_port() -> None:
    """As a client dials them."""
    topology = load_topology(TOPOLOGY, "t", demo_policy())
    assert topology.sites[0].services["ads"][0].address == "127.0.1.11:8080"
