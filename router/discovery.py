"""Which endpoints does a cluster say a service has? Its slices and what happens to them, to endpoints. Pure.

What a slice says is only believed inside the site's own networks: an address elsewhere could be another
site's, and is refused by name. Only what is ready is used; what is unready or terminating is gone at once.
"""

import dataclasses
import enum
import ipaddress
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, assert_never

from policy.topology import Endpoint, KubernetesService, Network

if TYPE_CHECKING:
    import random


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """One endpoint of a slice; `usable` is ready and not terminating, `owner` tells pods apart."""

    address: str
    usable: bool
    node: str
    owner: str = ""
    zone: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Port:
    """One port of a slice: the name the service gives it and the number its pods listen on."""

    name: str
    number: int


@dataclasses.dataclass(frozen=True, slots=True)
class Slice:
    """One EndpointSlice, as far as it matters here."""

    name: str
    points: tuple[Point, ...]
    ports: tuple[Port, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """The API listed all slices: they replace whatever was known."""

    slices: tuple[Slice, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Put:
    """A slice was added or changed."""

    slice: Slice


@dataclasses.dataclass(frozen=True, slots=True)
class Gone:
    """A slice was deleted."""

    name: str


SliceEvent = Listed | Put | Gone
Slices = Mapping[str, Slice]
"""Slices by name."""


class Why(enum.Enum):
    """Why an endpoint of a slice is not used although it is ready."""

    OUTSIDE = "outside"
    """Its address lies in none of the site's networks."""
    ADDRESS = "address"
    """It is no IP address (a name may resolve to anywhere)."""
    PORT = "port"
    """Its slice has no port of the name or number the topology asks for."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """One address that is not used."""

    address: str
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What the slices come to: endpoints in a fixed order, and what was refused."""

    endpoints: tuple[Endpoint, ...] = ()
    refused: frozenset[Refusal] = frozenset()


def reduce(slices: Slices, event: SliceEvent) -> Slices:
    """The slices after `event`."""
    match event:
        case Listed(listed):
            return {it.name: it for it in listed}
        case Put(changed):
            return {**slices, changed.name: changed}
        case Gone(name):
            return {known: it for known, it in slices.items() if known != name}
        case _:
            assert_never(event)


def resolve(slices: Slices, service: KubernetesService, networks: tuple[Network, ...]) -> Found:
    """The endpoints of a service: all its slices together, each address and each pod once.

    An address and port that one slice calls ready and another does not is not used: while the API server
    moves an endpoint from slice to slice both name it, and only a doubt is lost by waiting.
    """
    named = sorted(_numbered(slices, service), key=_order)
    doubted = {(point.address, number) for point, number in named if not point.usable}
    taken: dict[str, Endpoint] = {}
    owners: set[str] = set()
    refused: set[Refusal] = set()
    for point, number in named:
        if (point.address, number) in doubted:
            continue
        if (why := _refusal(point.address, number, networks)) is not None:
            refused.add(Refusal(point.address, why.value))
            continue
        if point.owner and point.owner in owners:
            continue
        endpoint = Endpoint(
            host=str(ipaddress.ip_address(point.address)),
            port=number,
            node=point.node or point.address,
            zone=point.zone,
        )
        if endpoint.address not in taken:
            taken[endpoint.address] = endpoint
            owners.add(point.owner)
    return Found(tuple(taken.values()), frozenset(refused))


def _numbered(slices: Slices, service: KubernetesService) -> Iterator[tuple[Point, int]]:
    """Each endpoint with its port, 0 when its slice has no such port."""
    for it in slices.values():
        number = next((port.number for port in it.ports if _is(port, service.port)), 0)
        for point in it.points:
            yield point, number


def _is(port: Port, wanted: str | int) -> bool:
    return wanted in (port.name, port.number)


def _order(item: tuple[Point, int]) -> tuple[bool, str, str, int]:
    """IPv4 first, so that a pod with both addresses is always taken by the same one."""
    point, number = item
    return (":" in point.address, point.node, point.address, number)


def _refusal(address: str, number: int, networks: tuple[Network, ...]) -> Why | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return Why.ADDRESS
    if not any(parsed in network for network in networks):
        return Why.OUTSIDE
    return Why.PORT if not 1 <= number <= 65535 else None


class Ending(enum.Enum):
    """How a list or a watch came to its end; the value is what the metrics show."""

    CLOSED = "closed"
    """The API server closed the watch in the ordinary way."""
    EXPIRED = "expired"
    """410: the version to go on from is too old."""
    SILENT = "silent"
    """Nothing came for longer than bookmarks allow, or an answer took too long."""
    GARBLED = "garbled"
    """What came was no watch of slices."""
    DENIED = "denied"
    """401 or 403: the credentials are not accepted (any more)."""
    UNREACHABLE = "unreachable"
    """No connection, one that broke, or an answer of 429 or 5xx."""
    UNUSABLE = "unusable"
    """The kubeconfig cannot be used."""


@dataclasses.dataclass(frozen=True, slots=True)
class Next:
    """What follows an ending: list anew, or watch on from the last version; wait first if it keeps happening."""

    relist: bool
    stale: bool


AFTER: dict[Ending, Next] = {
    Ending.CLOSED: Next(relist=False, stale=False),
    Ending.EXPIRED: Next(relist=True, stale=False),
    Ending.SILENT: Next(relist=False, stale=True),
    Ending.GARBLED: Next(relist=True, stale=True),
    Ending.DENIED: Next(relist=True, stale=True),
    Ending.UNREACHABLE: Next(relist=False, stale=True),
    Ending.UNUSABLE: Next(relist=True, stale=True),
}
"""`stale`: what is known is kept and used, and the metrics say that it is old."""

BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 5.0
"""Short, because after a cut the new endpoints of a site are wanted; a few routers do not trouble an API server."""


def wait_s(failures: int, rng: "random.Random") -> float:
    """How long to wait after `failures` endings in a row without news between (from 0): doubled, half of it drawn.

    The first one is not waited for: an expired version or a restarted API server is the usual cause.
    """
    if failures == 0:
        return 0.0
    full_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** min(failures - 1, 10))
    return full_s * rng.uniform(0.5, 1.0)
