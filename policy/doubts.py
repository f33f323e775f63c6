"""Doubts about a request head: what no detector reads but nobody may overlook on a public route.

Each doubt is one function of the head in `DOUBTS`; the first that speaks raises the request.
"""

import re
from collections.abc import Callable

from policy.model import Reason, RequestHead

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_HOST = re.compile(r"(?:[A-Za-z0-9\-._~]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
"""RFC 9110 §9.3 and RFC 5789, without tunnels and mirrors. Any other token could itself carry a value."""

_RAISING: dict[bytes, Reason] = {
    name: Reason(rule=rule, detail=name.decode("ascii"), where="header")
    for rule, names in {
        "credentials": (b"authorization", b"proxy-authorization"),
        "upgrade": (b"upgrade", b"http2-settings", b"sec-websocket-key"),
        # A server that obeys these serves another target than the one that was judged.
        "override": (
            b"x-original-url", b"x-rewrite-url", b"x-http-method-override", b"x-http-method",
            b"x-method-override", b"x-forwarded-uri", b"x-original-uri",
        ),
        # Trailers follow the body and are not part of what is scanned.
        "trailer": (b"trailer",),
    }.items()
    for name in names
}  # fmt: skip

_SINGLE = frozenset({b"host", b"content-length", b"transfer-encoding", b"content-type",
                     b"content-encoding", b"expect"})  # fmt: skip


def head_doubt(head: RequestHead, *, inspect_bytes_max: int) -> Reason | None:
    """The first doubt about a head on a public route whose bodies are inspected up to that size."""
    seen: dict[bytes, bytes] = {}
    for name, value in head.headers:
        lower = name.lower()
        if lower in _RAISING:
            return _RAISING[lower]
        if not _TOKEN.fullmatch(name) or _VALUE_CONTROL.search(value):
            return Reason(rule="malformed", detail="header", where="header")
        if lower in _SINGLE:
            if lower in seen:
                return Reason(rule="duplicate", detail=lower.decode("ascii"), where="header")
            seen[lower] = value
        elif lower == b"connection" and b"upgrade" in value.lower():
            return Reason(rule="upgrade", detail="connection", where="header")
    return _first(head, seen) or _body_doubt(head, inspect_bytes_max=inspect_bytes_max)


def _first(head: RequestHead, seen: dict[bytes, bytes]) -> Reason | None:
    for doubt in DOUBTS:
        if reason := doubt(head, seen):
            return reason
    return None


def _method(head: RequestHead, _seen: dict[bytes, bytes]) -> Reason | None:
    return None if head.method in _METHODS else Reason(rule="method", where="method")


def _host(head: RequestHead, seen: dict[bytes, bytes]) -> Reason | None:
    sent = seen.get(b"host")
    if not _HOST.fullmatch(head.host):
        return Reason(rule="malformed", detail="host", where="header")
    if sent is not None and sent.strip().lower() != head.host.lower().encode():
        return Reason(rule="malformed", detail="host", where="header")
    return None


def _framing(_head: RequestHead, seen: dict[bytes, bytes]) -> Reason | None:
    """RFC 9112 §6.3: two lengths, or a coding we do not undo, is how requests are smuggled."""
    coding, length = seen.get(b"transfer-encoding"), seen.get(b"content-length")
    if coding is not None and (length is not None or coding.strip().lower() != b"chunked"):
        return Reason(rule="malformed", detail="framing", where="header")
    if length is not None and not length.strip().isdigit():
        return Reason(rule="malformed", detail="content-length", where="header")
    return None


def _expect(head: RequestHead, seen: dict[bytes, bytes]) -> Reason | None:
    sent = seen.get(b"expect")
    if sent is None or (sent.strip().lower() == b"100-continue" and head.has_body):
        return None
    return Reason(rule="expect", where="header")


DOUBTS: tuple[Callable[[RequestHead, dict[bytes, bytes]], Reason | None], ...] = (
    _method,
    _host,
    _framing,
    _expect,
)
"""Asked in this order once no single header spoke; `seen` holds the headers that may come once."""


def _body_doubt(head: RequestHead, *, inspect_bytes_max: int) -> Reason | None:
    if not head.has_body:
        return None
    if inspect_bytes_max == 0:
        return Reason(rule="body_uninspected", where="body")
    if head.content_length is not None and head.content_length > inspect_bytes_max:
        return Reason(rule="body_unread", detail="oversize", where="body")
    return None
