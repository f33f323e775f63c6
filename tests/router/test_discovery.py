"""Slices and events to endpoints: a table of what is used and what is refused, and properties over any history."""

import ipaddress
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.topology import KubernetesService
from router.discovery import (
    AFTER,
    BACKOFF_MAX_S,
    Ending,
    Found,
    Gone,
    Listed,
    Point,
    Port,
    Put,
    Refusal,
    Slice,
    SliceEvent,
    Slices,
    reduce,
    resolve,
    wait_s,
)

HOME = (ipaddress.ip_network("10.97.0.0/16"),)
ADS = KubernetesService(kubeconfig="file:k", namespace="shop", service="ads", port="http")
HTTP = (Port("http", 8080), Port("metrics", 9090))


def point(number: int, *, usable: bool = True, owner: str = "", node: str = "") -> Point:
    return Point(
        f"10.97.0.{number}", usable=usable, node=node or f"pod-{number}", owner=owner, zone="a"
    )


def one(name: str, *points: Point, ports: tuple[Port, ...] = HTTP) -> Slice:
    return Slice(name, points, ports)


def known(*slices: Slice) -> Slices:
    return reduce({}, Listed(slices))


def hosts(found: Found) -> list[str]:
    return [endpoint.address for endpoint in found.endpoints]


@pytest.mark.parametrize(
    ("event", "after"),
    [
        (Listed(()), []),
        (Listed((one("z", point(9)),)), ["10.97.0.9:8080"]),
        (Put(one("b", point(3))), ["10.97.0.1:8080", "10.97.0.2:8080", "10.97.0.3:8080"]),
        (Put(one("a", point(2))), ["10.97.0.2:8080"]),
        (Put(one("a", point(1), point(2, usable=False))), ["10.97.0.1:8080"]),
        (Put(one("b", point(1, usable=False))), ["10.97.0.2:8080"]),
        (Put(one("a")), []),
        (Gone("a"), []),
        (Gone("never-seen"), ["10.97.0.1:8080", "10.97.0.2:8080"]),
    ],
    ids=[
        "an empty list empties", "a list replaces", "a slice adds", "a change replaces the slice",
        "unready leaves at once", "one doubt is enough", "an empty slice empties", "a deletion empties",
        "a stranger's deletion changes nothing",
    ],
)  # fmt: skip
def test_each_event_has_its_effect(event: SliceEvent, after: list[str]) -> None:
    """From two endpoints in slice a."""
    before = known(one("a", point(1), point(2)))
    assert hosts(resolve(reduce(before, event), ADS, HOME)) == after


@pytest.mark.parametrize(
    ("address", "ports", "why"),
    [
        ("10.98.0.1", HTTP, "outside"),
        ("127.0.0.1", HTTP, "outside"),
        ("fd00::1", HTTP, "outside"),
        ("ads.public.example", HTTP, "address"),
        ("", HTTP, "address"),
        ("10.97.0.1", (Port("metrics", 9090),), "port"),
        ("10.97.0.1", (), "port"),
        ("10.97.0.1", (Port("http", 0),), "port"),
    ],
)
def test_what_does_not_belong_is_refused_by_name(
    address: str, ports: tuple[Port, ...], why: str
) -> None:
    """The others of the service are used all the same."""
    found = resolve(
        known(one("a", Point(address, usable=True, node="p"), ports=ports), one("b", point(7))),
        ADS,
        HOME,
    )
    assert hosts(found) == ["10.97.0.7:8080"]
    assert found.refused == {Refusal(address, why)}


def test_an_unready_stranger_is_no_alarm() -> None:
    """Only an address that would have been used is refused."""
    away = Point("10.98.0.1", usable=False, node="p")
    assert resolve(known(one("a", away)), ADS, HOME) == Found()


def test_the_port_is_a_name_or_a_number() -> None:
    """By name, each slice has its own number; by number, only slices with it count."""
    slices = known(one("a", point(1)), one("b", point(2), ports=(Port("http", 8081),)))
    assert hosts(resolve(slices, ADS, HOME)) == ["10.97.0.1:8080", "10.97.0.2:8081"]
    by_number = KubernetesService(kubeconfig="file:k", namespace="n", service="s", port=8080)
    found = resolve(slices, by_number, HOME)
    assert hosts(found) == ["10.97.0.1:8080"]
    assert found.refused == {Refusal("10.97.0.2", "port")}


def test_pods_on_a_node_s_own_address_are_told_apart_by_port() -> None:
    """Host networking: one of two on a node is unready, the other is used."""
    down = one("b", point(1, usable=False, node="q"), ports=(Port("http", 8081),))
    found = resolve(known(one("a", point(1)), down), ADS, HOME)
    assert hosts(found) == ["10.97.0.1:8080"]


def test_a_pod_with_two_addresses_is_one_endpoint() -> None:
    """Dual stack: the IPv4 address; and an address in two slices is one endpoint."""
    both = (*HOME, ipaddress.ip_network("fd00::/64"))
    four, six = point(1, owner="u"), Point("fd00::1", usable=True, node="pod-1", owner="u")
    found = resolve(known(one("v6", six), one("v4", four), one("again", four)), ADS, both)
    assert hosts(found) == ["10.97.0.1:8080"]
    assert found.endpoints[0].node == "pod-1"
    assert found.endpoints[0].zone == "a"


def test_an_endpoint_without_a_pod_is_named_by_its_address() -> None:
    """Slices written by hand have no targetRef."""
    found = resolve(known(one("a", Point("10.97.0.1", usable=True, node=""))), ADS, HOME)
    assert found.endpoints[0].node == "10.97.0.1"


_POINTS = st.lists(
    st.builds(
        Point,
        address=st.sampled_from(["10.97.0.1", "10.97.0.2", "10.97.9.3", "10.98.0.1", "x"]),
        usable=st.booleans(),
        node=st.sampled_from(["", "p", "q"]),
        owner=st.sampled_from(["", "u", "v"]),
    ),
    max_size=4,
).map(tuple)
_SLICES = st.builds(
    Slice,
    name=st.sampled_from("abc"),
    points=_POINTS,
    ports=st.sampled_from([HTTP, (Port("http", 8081),), ()]),
)
_EVENTS = st.lists(
    st.one_of(
        st.builds(Put, slice=_SLICES),
        st.builds(Gone, name=st.sampled_from("abc")),
        st.builds(Listed, slices=st.lists(_SLICES, max_size=3).map(tuple)),
    ),
    max_size=8,
)


@given(events=_EVENTS, rng=st.randoms(use_true_random=False))
def test_over_any_history_only_ready_addresses_at_home_are_used(
    events: list[SliceEvent], rng: random.Random
) -> None:
    """Never one outside the networks, never one that any slice calls unready, each once, in any slice order."""
    slices: Slices = {}
    for event in events:
        slices = reduce(slices, event)
    found = resolve(slices, ADS, HOME)
    unready = {
        f"{p.address}:{port.number}"
        for it in slices.values()
        for p in it.points
        for port in it.ports
        if not p.usable
    }
    for endpoint in found.endpoints:
        assert ipaddress.ip_address(endpoint.host) in HOME[0]
        assert endpoint.address not in unready
    assert len(set(hosts(found))) == len(found.endpoints)
    shuffled = list(slices.items())
    rng.shuffle(shuffled)
    assert {e.address for e in resolve(dict(shuffled), ADS, HOME).endpoints} == set(hosts(found))


@given(events=_EVENTS)
def test_a_fresh_list_of_what_is_known_changes_nothing(events: list[SliceEvent]) -> None:
    """Relisting after 410 comes to the same as having heard every event."""
    slices: Slices = {}
    for event in events:
        slices = reduce(slices, event)
    assert reduce({}, Listed(tuple(slices.values()))) == slices


def test_every_ending_says_what_follows() -> None:
    """The table is whole; only what says nothing about pods keeps the list from being called current."""
    assert set(AFTER) == set(Ending)
    assert {it for it in Ending if not AFTER[it].stale} == {Ending.CLOSED, Ending.EXPIRED}
    assert AFTER[Ending.EXPIRED].relist
    assert not AFTER[Ending.UNREACHABLE].relist


@given(failures=st.integers(0, 10_000), seed=st.integers())
def test_the_wait_is_bounded_and_jittered(failures: int, seed: int) -> None:
    """At once at first, then at least half of what is doubled up to the bound."""
    wait = wait_s(failures, random.Random(seed))
    full = 0.0 if failures == 0 else min(BACKOFF_MAX_S, 0.2 * 2.0 ** min(failures - 1, 10))
    assert full / 2 <= wait <= full
