"""EndpointSlices on the wire: lists and watch lines of the Kubernetes API, decoded into what `discovery` knows. Pure.

Only `discovery.k8s.io/v1` is spoken. What does not decode raises `GarbledError`, never a guess.
"""

import dataclasses
from typing import Literal, TypeVar

import msgspec

from router.discovery import Gone, Point, Port, Put, Slice, SliceEvent

Kind = TypeVar("Kind")

LINE_BYTES_MAX = 8 << 20
"""A slice holds at most 1000 endpoints, under 1 MB; 8 MiB without an end of line is no watch."""


class GarbledError(Exception):
    """What came is no answer of the API; the text says what was expected."""


class _Wire(msgspec.Struct, frozen=True, rename="camel"):
    """Base of what the API sends: unknown keys are the API's own affair."""


class _Conditions(_Wire, frozen=True):
    ready: bool | None = None
    terminating: bool | None = None


class _Target(_Wire, frozen=True):
    name: str = ""
    uid: str = ""


class _Endpoint(_Wire, frozen=True):
    addresses: tuple[str, ...]
    conditions: _Conditions = _Conditions()
    target_ref: _Target | None = None
    node_name: str | None = None
    zone: str | None = None


class _Port(_Wire, frozen=True):
    name: str | None = None
    port: int | None = None
    protocol: str | None = None


class _Meta(_Wire, frozen=True):
    name: str = ""
    resource_version: str = ""
    # the API spells this key "continue"
    more: str = msgspec.field(name="continue", default="")


class _Slice(_Wire, frozen=True):
    metadata: _Meta
    endpoints: tuple[_Endpoint, ...] | None = None
    ports: tuple[_Port, ...] | None = None


class _List(_Wire, frozen=True):
    kind: Literal["EndpointSliceList"]
    metadata: _Meta
    items: tuple[_Slice, ...] | None = None


class _Bookmark(_Wire, frozen=True):
    metadata: _Meta


class _Status(_Wire, frozen=True):
    code: int = 0


class _Event(_Wire, frozen=True):
    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
    object: msgspec.Raw


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its slices, the version to watch from, and the token of the next page if there is one."""

    slices: tuple[Slice, ...]
    version: str
    more: str


@dataclasses.dataclass(frozen=True, slots=True)
class News:
    """One line of a watch: what happened (nothing, for a bookmark), and the version to go on from."""

    event: SliceEvent | None
    version: str


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """The API ended the watch with a status code, 410 when the version is too old."""

    code: int


def decode_page(body: bytes) -> Page:
    """A page of a list. Raises `GarbledError`."""
    listed = _decode(body, _List, expected="an EndpointSliceList")
    if not listed.metadata.resource_version:
        raise GarbledError("a list without resourceVersion; expected one to watch from")
    slices = tuple(_slice(item) for item in listed.items or ())
    return Page(slices, listed.metadata.resource_version, listed.metadata.more)


def decode_line(line: bytes) -> News | Refused:
    """One line of a watch. Raises `GarbledError`."""
    event = _decode(line, _Event, expected="a watch event")
    match event.type:
        case "ERROR":
            return Refused(_decode(event.object, _Status, expected="a Status").code)
        case "BOOKMARK":
            metadata = _decode(event.object, _Bookmark, expected="a bookmark").metadata
            happened = None
        case "ADDED" | "MODIFIED" | "DELETED":
            item = _decode(event.object, _Slice, expected="an EndpointSlice")
            metadata, slice_ = item.metadata, _slice(item)
            happened = Gone(slice_.name) if event.type == "DELETED" else Put(slice_)
    if not metadata.resource_version:
        raise GarbledError("an event without resourceVersion; expected one to go on from")
    return News(happened, metadata.resource_version)


def _decode(data: bytes | msgspec.Raw, kind: type[Kind], *, expected: str) -> Kind:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise GarbledError(f"{error}; expected {expected}") from error


def _slice(item: _Slice) -> Slice:
    if not item.metadata.name:
        raise GarbledError("a slice without a name; expected an EndpointSlice")
    ports = tuple(
        Port(port.name or "", port.port)
        for port in item.ports or ()
        if port.port is not None and port.protocol in (None, "TCP")
    )
    points = tuple(_point(endpoint) for endpoint in item.endpoints or () if endpoint.addresses)
    return Slice(item.metadata.name, points, ports)


def _point(endpoint: _Endpoint) -> Point:
    """All addresses of one endpoint are the same pod: the API asks clients to use the first.

    `ready` absent means ready (so the API says); terminating is dropped even where a service publishes
    addresses that are not ready.
    """
    target = endpoint.target_ref or _Target()
    conditions = endpoint.conditions
    return Point(
        address=endpoint.addresses[0],
        usable=conditions.ready is not False and not conditions.terminating,
        node=target.name or endpoint.node_name or "",
        owner=target.uid,
        zone=endpoint.zone or "",
    )


class Lines:
    """Cuts a stream of bytes into whole lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. Raises `GarbledError` for one that is too long to be a slice."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_BYTES_MAX:
            raise GarbledError(f"{LINE_BYTES_MAX} bytes without an end of line; expected a watch")
        return [line for line in lines if line.strip()]
