"""Doubts about a head, one by one."""

import pytest

from policy.doubts import head_doubt
from policy.model import RequestHead
from tests.policy.samples import get, post


def doubt(head: RequestHead, *, inspect_bytes_max: int = 65536) -> str:
    reason = head_doubt(head, inspect_bytes_max=inspect_bytes_max)
    return "" if reason is None else reason.rule


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        ((b"Authorization", b"Bearer x"), "credentials"), ((b"AUTHORIZATION", b""), "credentials"),
        ((b"Proxy-Authorization", b"Basic x"), "credentials"), ((b"Upgrade", b"websocket"), "upgrade"),
        ((b"Connection", b"keep-alive, Upgrade"), "upgrade"), ((b"HTTP2-Settings", b"x"), "upgrade"),
        ((b"Sec-WebSocket-Key", b"x"), "upgrade"), ((b"X-HTTP-Method-Override", b"PUT"), "override"),
        ((b"X-Original-URL", b"/orders"), "override"), ((b"Trailer", b"x"), "trailer"),
        ((b"Expect", b"100-continue"), "expect"), ((b"Expect", b"x"), "expect"),
        ((b"Host", b"shop.example"), "duplicate"), ((b"bad name", b"1"), "malformed"),
        ((b"", b"1"), "malformed"), ((b"X", b"a\rb"), "malformed"), ((b"X", b"a\x00"), "malformed"),
        ((b"Transfer-Encoding", b"gzip, chunked"), "malformed"), ((b"Content-Length", b"+1"), "malformed"),
    ],
)  # fmt: skip
def test_headers_that_raise(header: tuple[bytes, bytes], rule: str) -> None:
    """Credentials, upgrades, overrides and malformed parts are not for a public site."""
    assert doubt(get(b"/ads", header)) == rule


@pytest.mark.parametrize(
    "header",
    [
        (b"Connection", b"keep-alive"), (b"Connection", b"close"), (b"Accept", b"*/*"), (b"X", b"a\tb"),
        (b"X", b""), (b"Cookie", b"ab=a"), (b"Upgrade-Insecure-Requests", b"1"), (b"Range", b"bytes=0-1"),
        (b"If-None-Match", b'W/"x"'), (b"TE", b"trailers"), (b"Accept", b"text/html"),
    ],
)  # fmt: skip
def test_headers_that_do_not(header: tuple[bytes, bytes]) -> None:
    """What browsers send every day."""
    assert doubt(get(b"/ads", header)) == ""


@pytest.mark.parametrize("host", ["", "a b", "a/b", "user@host", "a:b", "a:123456", "é", "a\r\nb"])
def test_a_malformed_host_raises(host: str) -> None:
    """The name that routing used must be a name."""
    head = RequestHead(method="GET", target=b"/", host=host, headers=(), has_body=False)
    assert doubt(head) == "malformed"


def test_the_host_header_must_be_the_host_that_was_routed() -> None:
    """A server that believes the header would serve another host."""
    head = RequestHead(
        method="GET", target=b"/", host="a", headers=((b"Host", b"b"),), has_body=False
    )
    assert doubt(head) == "malformed"
    assert doubt(get(b"/", host="[::1]:8080")) == ""
    assert doubt(get(b"/", host="Shop.Example:80")) == ""


@pytest.mark.parametrize(
    "method", ["CONNECT", "TRACE", "", "G ET", "GÉT", "get", "PROPFIND", "GET123"]
)
def test_methods_that_raise(method: str) -> None:
    """Tunnels and mirrors are not for a public site, and an unknown token could carry a value."""
    head = RequestHead(method=method, target=b"/", host="a", headers=(), has_body=False)
    assert doubt(head) == "method"


def test_bodies_need_inspection_and_must_fit_it() -> None:
    """No `inspect` on the route, or a declared length beyond it, is decided by the head alone."""
    assert doubt(post(b"{}"), inspect_bytes_max=0) == "body_uninspected"
    assert doubt(post(b"{}", length=65537)) == "body_unread"
    assert doubt(post(b"{}", length=65536)) == ""
    assert doubt(post(b"{}", (b"Expect", b"100-continue"))) == ""


def test_two_lengths_raise() -> None:
    """Length and chunked together are how requests are smuggled."""
    both = ((b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"2"))
    assert doubt(post(b"{}", *both)) == "malformed"
    assert doubt(post(b"{}", (b"Transfer-Encoding", b"chunked"))) == ""
    assert doubt(post(b"{}", (b"Content-Length", b"2"), (b"Content-Length", b"2"))) == "duplicate"
