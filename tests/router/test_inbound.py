"""What may be served at all, and how a head is read."""

import pytest

from router.inbound import Fault, Inbound, read_head

HOST = (b"Host", b"shop.example:80")


def read(*headers, method="GET", target=b"/ads", version=(1, 1)) -> Inbound | Fault:
    return read_head(method, target, version=version, headers=(HOST, *headers))


@pytest.mark.parametrize(
    ("headers", "kw", "fault"),
    [
        ((), {"version": (2, 0)}, Fault(505, "version")),
        ((), {"version": (0, 9)}, Fault(505, "version")),
        (((b"Transfer-Encoding", b"chunked"),), {"version": (1, 0)}, Fault(400, "transfer-encoding")),
        (((b"Transfer-Encoding", b"gzip, chunked"),), {}, Fault(501, "transfer-encoding")),
        (((b"Transfer-Encoding", b"identity"),), {}, Fault(501, "transfer-encoding")),
        (((b"TE", b"x"), (b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked")), {}, Fault(501, "transfer-encoding")),
        (((b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"3")), {}, Fault(400, "malformed")),
        (((b"Content-Length", b"+3"),), {}, Fault(400, "malformed")),
        (((b"Expect", b"the-moon"),), {}, Fault(417, "expectation")),
        ((), {"method": "CONNECT", "target": b"shop.example:443"}, Fault(501, "target")),
        ((), {"target": b"http://other.example/ads"}, Fault(400, "host")),
        ((), {"target": b"ftp://shop.example:80/ads"}, Fault(400, "target")),
        ((), {"target": b"http:///ads"}, Fault(400, "host")),
    ],
)  # fmt: skip
def test_what_design_forbids_is_a_fault(headers, kw, fault: Fault) -> None:
    """Each of these would be read differently by somebody."""
    assert read(*headers, **kw) == fault


@pytest.mark.parametrize(
    ("target", "form"),
    [
        (b"/ads?u=http://x/", b"/ads?u=http://x/"),
        (b"http://shop.example:80/ads?x=1", b"/ads?x=1"),
        (b"HTTP://SHOP.example:80", b"/"),
        (b"http://shop.example:80?x=/y", b"/?x=/y"),
        (b"*", b"*"),
    ],
)
def test_a_target_is_brought_to_origin_form(target: bytes, form: bytes) -> None:
    """Absolute-form is taken apart when it agrees with Host; the rest is left to the policy."""
    got = read(target=target)
    assert isinstance(got, Inbound)
    assert got.head.target == form
    assert got.head.host == "shop.example:80"


def test_a_body_is_known_by_its_framing() -> None:
    """A length above zero or a coding; zero is no body."""

    def body(*headers) -> bool:
        got = read(*headers, method="POST")
        assert isinstance(got, Inbound)
        return got.head.has_body

    assert body((b"content-length", b"3"))
    assert body((b"Transfer-Encoding", b"Chunked"))
    assert not body((b"Content-Length", b"0"))
    assert not body()


def test_websocket_and_expectation_are_seen() -> None:
    """`Connection` is a list of tokens in any case; HTTP/1.0 expects nothing."""
    socket = read((b"connection", b"keep-alive, Upgrade"), (b"upgrade", b"WebSocket"))
    assert isinstance(socket, Inbound)
    assert socket.websocket
    old = read((b"Expect", b"100-continue"), version=(1, 0))
    assert isinstance(old, Inbound)
    assert not old.expects
    new = read((b"Expect", b"100-Continue"))
    assert isinstance(new, Inbound)
    assert new.expects
    assert not new.websocket
