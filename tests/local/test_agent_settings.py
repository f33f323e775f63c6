"""Agent settings: networks checked, addresses handed out."""

from ipaddress import IPv4Address

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.agent_settings import (
    SettingsError,
    next_address,
    node_address,
    pod_addresses,
    read_settings,
)
from tests.local.agents import settings

NODE = settings()
ALL = [str(it) for it in pod_addresses(NODE)]


def test_settings_survive_the_file() -> None:
    """What is written is what is read."""
    assert read_settings(msgspec.json.encode(NODE)) == NODE


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"network": "10.97.1.0/25"}, "network"),
        ({"network": "10.98.1.0/24"}, "network"),
        ({"gateway": "10.98.0.1"}, "gateway"),
        ({"taints": ("key=value",)}, "taints"),
        ({"network": "nonsense"}, "nonsense"),
    ],
)
def test_settings_that_contradict_one_another_are_refused(changes, named) -> None:
    """The message names the key."""
    with pytest.raises(SettingsError, match=named):
        read_settings(msgspec.json.encode(settings(**changes)))


def test_an_unknown_key_is_refused() -> None:
    """A misspelt key is not silently ignored."""
    with pytest.raises(SettingsError, match="expected agent settings"):
        read_settings(b'{"nmae":"x"}')


def test_no_pod_gets_an_address_that_is_somebody_elses() -> None:
    """Neither the node's, the gateway's, nor the network's ends."""
    first = settings(network="10.97.0.0/24")
    for one in (NODE, first):
        free = pod_addresses(one)
        assert node_address(one) not in free
        assert IPv4Address(one.gateway) not in free
        assert len(set(free)) == len(free) >= 250


@given(used=st.frozensets(st.sampled_from(ALL)), last=st.sampled_from(["", "10.9.9.9", *ALL]))
def test_an_address_is_free_and_the_next_one_around(used, last) -> None:
    """It is never in use, and none is skipped between the last one given and it."""
    got = next_address(NODE, used, last=last)
    if got is None:
        assert used == set(ALL)
        return
    assert got not in used
    start = ALL.index(last) + 1 if last in ALL else 0
    distance = (ALL.index(got) - start) % len(ALL)
    assert {ALL[(start + step) % len(ALL)] for step in range(distance)} <= used
