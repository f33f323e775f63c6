"""HTTP messages as bytes: which headers go on, and framing that is always our own.

Header order, case, duplicates and bytes are kept (RFC 9110 §5.3); hop-by-hop fields go, those named by
`Connection` included (§7.6.1); Content-Length or chunked is rebuilt from what was really parsed, never
copied (RFC 9112 §6). X-Forwarded-* and Forwarded are set, never passed on.
"""

import dataclasses
from collections.abc import Iterable

from policy.model import RequestHead
from router.cookies import keep_cookies

Headers = Iterable[tuple[bytes, bytes]]

_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer"
    b" transfer-encoding upgrade".split()
)
_OURS = frozenset(
    b"expect content-length forwarded x-forwarded-for x-forwarded-host x-forwarded-proto"
    b" x-forwarded-port x-real-ip".split()
)
_NOT_OUT = _HOP | _OURS
_NEVER_NAMED = frozenset({b"host", b"content-length"})
"""Fields that a `Connection` header cannot make hop-by-hop: they say what the message is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Framing:
    """How a body is delimited: `length` bytes, chunked, or (both empty) no body at all."""

    length: int | None = None
    chunked: bool = False


NO_BODY = Framing()


def request_head(
    head: RequestHead,
    *,
    framing: Framing,
    forwarded: bytes,
    cookies: frozenset[bytes] | None,
    upgrade: bytes = b"",
) -> bytes:
    """The head as it is written upstream.

    `forwarded` is the block of our own forwarding fields; `cookies` the names a public socket may see (None:
    all); `upgrade` the protocol of a tunnel.
    """
    gone = _dropped(head.headers, _NOT_OUT)
    lines = [b"%b %b HTTP/1.1\r\n" % (head.method.encode(), head.target)]
    for name, value in head.headers:
        lower = name.lower()
        if lower in gone:
            continue
        if cookies is not None and lower == b"cookie":
            kept = keep_cookies(value, cookies)
            if kept:
                lines.append(b"%b: %b\r\n" % (name, kept))
            continue
        lines.append(b"%b: %b\r\n" % (name, value))
    lines.append(forwarded)
    if framing.chunked:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    elif framing.length is not None:
        lines.append(b"Content-Length: %d\r\n" % framing.length)
    if upgrade:
        lines.append(b"Connection: Upgrade\r\nUpgrade: %b\r\n" % upgrade)
    lines.append(b"\r\n")
    return b"".join(lines)


def response_head(
    status: int,
    reason: bytes,
    headers: Headers,
    *,
    framing: Framing,
    connection: bytes,
) -> bytes:
    """The head as it is written to the client; a Content-Length keeps its place when there is one.

    With neither length nor chunked in `framing` no framing field is written at all: the status has no
    body, or the connection's end delimits it.
    """
    pairs = list(headers)
    gone = _dropped(pairs, _HOP)
    lines = [b"HTTP/1.1 %d %b\r\n" % (status, reason)]
    length = framing.length
    for name, value in pairs:
        lower = name.lower()
        if lower in gone:
            continue
        if lower == b"content-length":
            if length is not None:
                lines.append(b"%b: %d\r\n" % (name, length))
                length = None
            continue
        lines.append(b"%b: %b\r\n" % (name, value))
    if framing.chunked:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    elif length is not None:
        lines.append(b"Content-Length: %d\r\n" % length)
    if connection:
        lines.append(b"Connection: %b\r\n" % connection)
    lines.append(b"\r\n")
    return b"".join(lines)


def chunk(data: bytes) -> bytes:
    """One chunk; empty data is the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def forwarded_block(peer: str, host: str) -> bytes:
    """Our forwarding fields: RFC 7239 and the X-Forwarded-* that most programs read."""
    node = f'"[{peer}]"' if ":" in peer else peer
    quoted = host.replace("\\", "").replace('"', "")
    return (
        f"X-Forwarded-For: {peer}\r\nX-Forwarded-Host: {host}\r\nX-Forwarded-Proto: http\r\n"
        f'Forwarded: for={node};host="{quoted}";proto=http\r\n'
    ).encode("latin-1", "replace")


def has_no_body(method: str, status: int) -> bool:
    """Whether an answer of `status` to `method` never has a body (RFC 9112 §6.3)."""
    return method == "HEAD" or status in {204, 304} or status < 200


def _dropped(headers: Headers, always: frozenset[bytes]) -> frozenset[bytes]:
    named = {
        token.strip(b" \t").lower()
        for name, value in headers
        if len(name) == 10 and name.lower() == b"connection"
        for token in value.split(b",")
    }
    return always | (named - _NEVER_NAMED) if named else always
