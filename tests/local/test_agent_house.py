"""What the pods of a node share."""

import pytest
from yarl import URL

from local.agent_cgroup import Hierarchies
from local.agent_container import find_tools
from local.agent_house import House
from local.agent_sandbox import NetworkError
from tests.local.agents import settings

UID = "0a1b2c3d-ffff-4000-8000-000000000001"


def house(tmp_path, **changes) -> House:
    node = tmp_path / "site/agents/ads-1/node"
    facts = {"directory": str(node), "kubeconfig": str(tmp_path / "site/kubeconfig")}
    made = House(
        settings(**facts, **changes), Hierarchies(unified=str(tmp_path / "cg")), find_tools()
    )
    node.mkdir(parents=True)
    return made


def test_addresses_are_taken_one_after_another(tmp_path) -> None:
    """Also by the next agent of the node; when all are in use a pod waits with the reason."""
    one = house(tmp_path)
    assert [one.take_sandbox(UID).address for _ in range(2)] == ["10.97.1.2", "10.97.1.3"]
    assert (one.directory / "last-address").read_text() == "10.97.1.3\n"
    one.used = lambda: frozenset({"10.97.1.4"})
    assert one.take_sandbox(UID).address == "10.97.1.5"
    one.used = lambda: frozenset(f"10.97.1.{number}" for number in range(256))
    with pytest.raises(NetworkError, match="in use"):
        one.take_sandbox(UID)


def test_pods_do_not_see_the_nodes_keys(tmp_path) -> None:
    """The kubeconfig's directory, the node's own, and what the settings name, the widest first."""
    one = house(tmp_path, hidden=("/clusters",))
    assert one.hidden == ("/clusters", str(tmp_path / "site"), str(one.directory))


def test_a_place_tells_where_the_api_is(tmp_path) -> None:
    """For the downward API and for clients in pods."""
    one = house(tmp_path)
    one.api_server = URL("https://10.96.0.2:6443")
    place = one.place("10.97.1.2")
    assert (place.api_host, place.api_port, place.host_ip) == ("10.96.0.2", 6443, "10.97.1.254")
