"""Messages as bytes: what goes on, what does not, and whose framing it is."""

from hypothesis import given
from hypothesis import strategies as st

from router.framing import (
    NO_BODY,
    Framing,
    chunk,
    forwarded_block,
    has_no_body,
    request_head,
    response_head,
)
from tests.router.world import head

NAMES = st.text("abcXYZ-", min_size=1, max_size=8).map(str.encode)


def written(headers, *, framing=NO_BODY, cookies=None, forwarded=b"", upgrade=b"") -> bytes:
    return request_head(
        head(b"/a?b=%20c", headers=headers), framing=framing, forwarded=forwarded, cookies=cookies,
        upgrade=upgrade,
    )  # fmt: skip


def test_order_case_duplicates_and_bytes_are_kept() -> None:
    """End-to-end headers go on exactly as they came."""
    headers = [
        (b"hOsT", b"h"),
        (b"X-A", b"1"),
        (b"x-a", b"2 \xff"),
        (b"traceparent", b"00-a-b-01"),
        (b"X-A", b"3"),
    ]
    assert written(headers) == (
        b"GET /a?b=%20c HTTP/1.1\r\nhOsT: h\r\nX-A: 1\r\nx-a: 2 \xff\r\n"
        b"traceparent: 00-a-b-01\r\nX-A: 3\r\n\r\n"
    )


def test_hop_by_hop_fields_go_those_named_by_connection_included() -> None:
    """RFC 9110 §7.6.1; what says which message it is cannot be named away."""
    headers = [
        (b"Host", b"h"), (b"Connection", b"close, X-Gone , host"), (b"x-gone", b"1"), (b"TE", b"trailers"),
        (b"Keep-Alive", b"5"), (b"Proxy-Connection", b"x"), (b"Upgrade", b"h2c"), (b"Trailer", b"x"),
        (b"Proxy-Authorization", b"x"), (b"Accept", b"*/*"),
    ]  # fmt: skip
    assert written(headers) == b"GET /a?b=%20c HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n"


def test_framing_is_rebuilt_never_copied() -> None:
    """Length, codings and expectations of the client are dropped; ours is written."""
    headers = [
        (b"Host", b"h"),
        (b"Content-Length", b"9"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Expect", b"100-continue"),
    ]
    assert written(headers, framing=Framing(length=3)).endswith(
        b"Host: h\r\nContent-Length: 3\r\n\r\n"
    )
    assert written(headers, framing=Framing(chunked=True)).endswith(
        b"Host: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert written(headers).endswith(b"Host: h\r\n\r\n")


def test_forwarding_fields_are_ours_alone() -> None:
    """What a client claims of its origin is not passed on."""
    headers = [
        (b"Host", b"h"),
        (b"X-Forwarded-For", b"6.6.6.6"),
        (b"Forwarded", b"for=6.6.6.6"),
        (b"X-Real-IP", b"6.6.6.6"),
    ]
    sent = written(headers, forwarded=forwarded_block("127.0.0.9", "h:80"))
    assert b"6.6.6.6" not in sent
    assert b"X-Forwarded-For: 127.0.0.9\r\n" in sent
    assert b'Forwarded: for=127.0.0.9;host="h:80";proto=http\r\n' in sent
    assert b'for="[::1]"' in forwarded_block("::1", "h")


def test_cookies_are_cut_only_where_asked() -> None:
    """A public socket sees listed cookies; a header with none left goes; a private one sees all."""
    headers = [(b"Host", b"h"), (b"Cookie", b"sid=1; ab=2"), (b"cookie", b"sid=3")]
    assert written(headers, cookies=frozenset({b"ab"})).endswith(b"Host: h\r\nCookie: ab=2\r\n\r\n")
    assert b"cookie: sid=3" in written(headers)


def test_a_tunnel_names_its_protocol_anew() -> None:
    """Connection and Upgrade of a WebSocket are ours."""
    sent = written(
        [(b"Host", b"h"), (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")],
        upgrade=b"websocket",
    )
    assert sent.endswith(b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert sent.count(b"pgrade: websocket") == 1


def test_an_answer_keeps_its_headers_and_the_place_of_its_length() -> None:
    """Duplicates such as Set-Cookie stay apart; Content-Length stays where it was."""
    headers = [
        (b"Date", b"d"),
        (b"content-length", b"7"),
        (b"Set-Cookie", b"a"),
        (b"Set-Cookie", b"b"),
        (b"Connection", b"x-y"),
        (b"X-Y", b"1"),
    ]
    assert response_head(200, b"OK", headers, framing=Framing(length=5), connection=b"close") == (
        b"HTTP/1.1 200 OK\r\nDate: d\r\ncontent-length: 5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nConnection: close\r\n\r\n"
    )


def test_an_answer_without_length_gets_one_or_is_chunked() -> None:
    """Held answers get a length, streamed ones are chunked, bodiless ones get neither."""
    assert b"Content-Length: 5\r\n" in response_head(
        200, b"", [], framing=Framing(length=5), connection=b""
    )
    assert b"Transfer-Encoding: chunked\r\n" in response_head(
        200, b"", [(b"Content-Length", b"9")], framing=Framing(chunked=True), connection=b""
    )
    assert (
        response_head(204, b"No Content", [], framing=NO_BODY, connection=b"")
        == b"HTTP/1.1 204 No Content\r\n\r\n"
    )


def test_which_answers_have_no_body() -> None:
    """HEAD, 1xx, 204 and 304."""
    assert has_no_body("HEAD", 200)
    assert all(has_no_body("GET", status) for status in (101, 103, 204, 304))
    assert not any(has_no_body("GET", status) for status in (200, 206, 404, 500))


def test_chunks() -> None:
    """Length in hex, and an empty one at the end."""
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"
    assert chunk(b"") == b"0\r\n\r\n"


@given(st.lists(st.tuples(NAMES, st.binary(max_size=10).filter(lambda v: not set(v) & {10, 13}))))
def test_the_head_has_exactly_one_end(headers) -> None:
    """Whatever the headers, nothing in them ends the head early."""
    sent = written([(b"Host", b"h"), *headers], framing=Framing(length=1))
    assert sent.index(b"\r\n\r\n") == len(sent) - 4
    assert sent.count(b"Content-Length: 1\r\n") == 1
