"""What the tapping relays saw, and the canaries they look for."""

from typing import Literal

from contracts.base import Contract

Place = Literal[
    "path", "query", "header", "cookie", "json", "form", "gzip", "fullwidth", "public_route"
]


class Canary(Contract, frozen=True, kw_only=True):
    """One planted sensitive value: a line of `canaries.ndjson`.

    `value` is the plain identifier; `form_hex` the exact bytes as planted (before gzip, percent or
    full-width encoding is undone). Values come from ranges that clean traffic never uses.
    """

    id: int
    detector: str
    place: Place
    value: str
    form_hex: str


class TapHit(Contract, frozen=True, kw_only=True):
    """A canary seen where it must not be: its number, the view that showed it, the listener, never the value."""

    canary: int
    view: str
    listener: str


class TapReport(Contract, frozen=True, kw_only=True):
    """The relay's answer to `seen`: hits, distinct beacons (file of one id a line) and bytes both ways."""

    schema: int = 1
    relay: str
    armed_canaries: int
    hits: tuple[TapHit, ...]
    beacons: int
    beacons_file: str
    bytes_up: int
    bytes_down: int
    connections: int
    cut: bool
    errors: int
