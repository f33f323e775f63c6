"""What arrived: a request head as the policy reads it, or the fault that makes it unservable.

aiohttp's parser is the reference and already strict; this refuses the rest that design forbids: HTTP/1.0
with a transfer coding, codings other than chunked, other versions, a target and Host that disagree.
"""

import dataclasses
from collections.abc import Sequence

from policy.model import RequestHead


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """The status and problem code a request is refused with."""

    status: int
    code: str


@dataclasses.dataclass(frozen=True, slots=True)
class Inbound:
    """A head that can be judged, and what its connection asks for."""

    head: RequestHead
    http11: bool
    expects: bool
    websocket: bool


class _Fields:
    """The few fields that framing and routing turn on, read in one pass."""

    __slots__ = ("codings", "connection", "expects", "host", "length", "upgrade")

    def __init__(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.codings: list[bytes] = []
        self.connection: list[bytes] = []
        self.host = b""
        self.length: int | None = None
        self.expects: list[bytes] = []
        self.upgrade = b""
        for name, value in headers:
            match name.lower():
                case b"host":
                    self.host = value
                case b"content-length":
                    self.length = int(value) if value.isdigit() else -1
                case b"transfer-encoding":
                    self.codings.append(value.strip().lower())
                case b"expect":
                    self.expects.append(value.strip().lower())
                case b"connection":
                    self.connection += [token.strip().lower() for token in value.split(b",")]
                case b"upgrade":
                    self.upgrade = value.strip().lower()
                case _:
                    pass


def read_head(
    method: str,
    target: bytes,
    *,
    version: tuple[int, int],
    headers: tuple[tuple[bytes, bytes], ...],
) -> Inbound | Fault:
    """The head of one request; `target` and `headers` are the bytes as they came."""
    if version not in {(1, 0), (1, 1)}:
        return Fault(505, "version")
    fields = _Fields(headers)
    if fault := _fault(method, fields, http10=version == (1, 0)):
        return fault
    placed = _origin_form(target, fields.host)
    if isinstance(placed, Fault):
        return placed
    target, host = placed
    return Inbound(
        head=RequestHead(
            method=method,
            target=target,
            host=host.decode("latin-1"),
            headers=headers,
            has_body=bool(fields.length) or bool(fields.codings),
            content_length=fields.length,
        ),
        http11=version == (1, 1),
        expects=bool(fields.expects) and version == (1, 1),
        websocket=fields.upgrade == b"websocket" and b"upgrade" in fields.connection,
    )


def _fault(method: str, fields: _Fields, *, http10: bool) -> Fault | None:
    if fields.length is not None and (fields.length < 0 or fields.codings):
        return Fault(400, "malformed")
    if fields.codings:
        if http10:
            return Fault(400, "transfer-encoding")
        if fields.codings != [b"chunked"]:
            return Fault(501, "transfer-encoding")
    if any(expectation != b"100-continue" for expectation in fields.expects):
        return Fault(417, "expectation")
    return Fault(501, "target") if method == "CONNECT" else None


def _origin_form(target: bytes, host: bytes) -> tuple[bytes, bytes] | Fault:
    """Target in origin-form and its host; an absolute-form target must agree with Host."""
    scheme, mark, rest = target.partition(b"://")
    if target.startswith(b"/") or target == b"*" or not mark:
        return target, host
    if scheme.lower() not in {b"http", b"https"}:
        return Fault(400, "target")
    end = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    authority, path = rest[:end], rest[end:]
    if not authority or authority.lower() != host.lower():
        return Fault(400, "host")
    return (path if path.startswith(b"/") else b"/" + path), host
