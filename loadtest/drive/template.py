"""A kind of request as bytes: fixed parts and the places where each request differs.

Pure. `${feed}` and `${feed.column}` take the next row of a feed, `${key}` an id of this request, `${n}` its
number, `${beacon}` a beacon, `${epoch_ms}` the wall clock, `${canary.DETECTOR}` a planted value. Everything
that is the same for all requests is put together once; a kind without any place is one constant.
"""

import re
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from contracts.drive import RequestTemplate

PLACE = re.compile(r"\$\{([^}]*)\}")
WORD = re.compile(r"[a-z][a-z0-9_-]*(\.[A-Za-z0-9_-]+)?")
OWN = ("key", "n", "beacon", "epoch_ms")
"""Names of places that are no feed."""

Part = Literal["path", "headers", "body"]
Source = Callable[["Moment"], bytes]


class Moment(msgspec.Struct, gc=False):
    """What a place may ask about one request; `rows` are the feeds' current rows by feed name."""

    n: int
    key: str
    beacon: str
    canary: int
    epoch_ms: int
    rows: Mapping[str, tuple[bytes, ...]]


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """A template ready to render; `constant` is the whole request when nothing in it changes."""

    head: tuple[bytes | Source, ...]
    body: tuple[bytes | Source, ...]
    constant: bytes
    feeds: frozenset[str]
    own: frozenset[str]
    canaries: tuple[str, ...]

    def render(self, moment: Moment) -> bytes:
        """The request as it leaves."""
        if self.constant:
            return self.constant
        head = b"".join([part if isinstance(part, bytes) else part(moment) for part in self.head])
        if not self.body:
            return head + b"\r\n"
        body = b"".join([part if isinstance(part, bytes) else part(moment) for part in self.body])
        return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)

    def render_body(self, moment: Moment) -> bytes:
        """The body alone, for its digest."""
        return b"".join([part if isinstance(part, bytes) else part(moment) for part in self.body])


def places(text: str) -> list[str]:
    """The names of all places in `text`."""
    return PLACE.findall(text)


def texts(template: RequestTemplate) -> list[tuple[str, str]]:
    """Every text of a template that may have places, with its path in the plan."""
    return [
        ("path", template.path),
        *((f"headers.{name}", value) for name, value in template.headers.items()),
        ("body", template.body),
    ]


def compile_template(
    template: RequestTemplate,
    host: str,
    *,
    columns: Mapping[str, Mapping[str, int]],
    canaries: Mapping[str, tuple[bytes, ...]],
) -> Compiled:
    """`columns` says which index a column of a feed has; `canaries` the planted forms per detector."""
    lines = [f"{template.method} {template.path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in template.headers.items()]
    start = "".join(f"{line}\r\n" for line in lines)
    split = _Splitter(columns, canaries)
    head, body = split.parts(start), split.parts(template.body)
    fixed = all(isinstance(part, bytes) for part in (*head, *body))
    bare = Compiled(
        head=head, body=body, constant=b"", feeds=frozenset(split.feeds), own=frozenset(split.own),
        canaries=tuple(split.planted),
    )  # fmt: skip
    needs_length = not body and template.method in {"POST", "PUT", "PATCH"}
    if needs_length:
        bare = msgspec.structs.replace(bare, head=(*head, b"Content-Length: 0\r\n"))
    if not fixed:
        return bare
    nothing = Moment(n=0, key="", beacon="", canary=0, epoch_ms=0, rows={})
    return msgspec.structs.replace(bare, constant=bare.render(nothing))


class _Splitter:
    """Cuts texts at their places and remembers what they ask for."""

    def __init__(
        self, columns: Mapping[str, Mapping[str, int]], canaries: Mapping[str, tuple[bytes, ...]]
    ) -> None:
        self._columns = columns
        self._canaries = canaries
        self.feeds: set[str] = set()
        self.own: set[str] = set()
        self.planted: list[str] = []

    def parts(self, text: str) -> tuple[bytes | Source, ...]:
        found: list[bytes | Source] = []
        at = 0
        for place in PLACE.finditer(text):
            if place.start() > at:
                found.append(text[at : place.start()].encode())
            found.append(self._source(place[1]))
            at = place.end()
        if at < len(text):
            found.append(text[at:].encode())
        return tuple(found)

    def _source(self, name: str) -> Source:
        first, _, rest = name.partition(".")
        if first == "canary":
            self.planted.append(rest)
            values = self._canaries[rest]
            return lambda moment: values[moment.canary % len(values)]
        if name in OWN:
            self.own.add(name)
            return _OWN[name]
        self.feeds.add(first)
        index = self._columns[first][rest] if rest else 0
        return lambda moment: moment.rows[first][index]


_OWN: dict[str, Source] = {
    "key": lambda moment: moment.key.encode(),
    "n": lambda moment: b"%d" % moment.n,
    "beacon": lambda moment: moment.beacon.encode(),
    "epoch_ms": lambda moment: b"%d" % moment.epoch_ms,
}
