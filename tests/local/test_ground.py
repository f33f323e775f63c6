"""Addresses: every name has one, inside its site's network."""

import ipaddress

import pytest

from local.ground import PRIVATE_NETWORK, PUBLIC_NETWORK, host_of, port_names
from local.plan import AD_NODES_MAX
from tests.local.grounds import ground_of

PRIVATE = {
    "router-core",
    "ads-private",
    "clicks-private",
    "orders-1",
    "profiles-1",
    "kafka-private",
}


@pytest.mark.parametrize("ad_nodes", [1, 10, AD_NODES_MAX])
def test_every_name_has_an_address_in_its_network(ad_nodes: int) -> None:
    """Names are unique; public things, relays included, lie in the public network."""
    names = list(port_names(ad_nodes))
    assert len(set(names)) == len(names)
    for name in names:
        network = PRIVATE_NETWORK if name.partition("/")[0] in PRIVATE else PUBLIC_NETWORK
        assert ipaddress.ip_address(host_of(name)) in ipaddress.ip_network(network), name


def test_ad_nodes_never_take_another_ones_address() -> None:
    """The largest fleet stays clear of routers, services, relays and broker."""
    nodes = {host_of(f"ad-{n}") for n in range(1, AD_NODES_MAX + 1)}
    others = {host_of(name) for name in port_names(1) if not name.startswith("ad-")}
    assert len(nodes) == AD_NODES_MAX
    assert not nodes & others


def test_an_unknown_name_is_an_error() -> None:
    """A misspelt name is not some address."""
    with pytest.raises(KeyError):
        host_of("nobody")


def test_socket_paths_fit() -> None:
    """A unix socket's path may have 107 bytes, however deep the checkout lies."""
    ground = ground_of(root="/" + "deep/" * 60 + ".isthmus/cloud")
    assert len(ground.socket("router-core")) <= 107
