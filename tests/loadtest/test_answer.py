"""The short cut for whole answers never differs from the full parser."""

import asyncio
import itertools

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.answer import whole_answer
from loadtest.connection import Connection, Exchange

SIMPLE = b"HTTP/1.1 200 OK\r\nIsthmus-Served-By: public/ad-1\r\nContent-Length: 2\r\n\r\nok"


class Parsed:
    """What httptools makes of the bytes."""

    def __init__(self, data: bytes):
        self.headers, self.body, self.complete, self.keep_alive = [], b"", 0, False
        self.parser = httptools.HttpResponseParser(self)
        try:
            self.parser.feed_data(data)
            self.error = False
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.error = True

    def on_header(self, name, value):
        self.headers.append((name.lower(), value))

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        self.complete += 1
        self.keep_alive = self.parser.should_keep_alive()


def test_a_plain_answer_is_taken():
    """Status, server and body without a parser."""
    found = whole_answer(SIMPLE)
    assert found is not None
    assert tuple(found) == (200, True, b"public/ad-1", b"ok")


LINES = st.lists(
    st.sampled_from(
        [
            b"Content-Length: 2", b"content-length:2", b"Content-Length: 3", b"Content-Length: +2",
            b"Content-Length:", b"Transfer-Encoding: chunked", b"Connection: close",
            b"Connection: keep-alive", b"Connection: Keep-Alive, x", b"Isthmus-Served-By: a/b",
            b"isthmus-served-by:  c/d ", b"Upgrade: h2c", b" folded", b"X-Content-Length: 7",
            b"Server: nginx",
        ]
    ),
    max_size=5,
)  # fmt: skip
STARTS = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.1 404 ", b"HTTP/1.1 100 Continue", b"HTTP/1.1 204 No", b"HTTP/1.0 200 OK",
     b"HTTP/1.1 2000 x", b"HTTP/1.1 20", b"HTTP/1.1 503"]
)  # fmt: skip


@settings(max_examples=600)
@given(STARTS, LINES, st.sampled_from([b"ok", b"", b"okay", b"ok" + SIMPLE, b"\r\n"]))
def test_what_is_taken_is_what_the_parser_says(start, lines, body):
    """Of every answer taken: one complete message, same status, body, server and keep-alive."""
    data = start + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body
    found = whole_answer(data)
    if found is None:
        return
    parsed = Parsed(data)
    assert not parsed.error
    assert parsed.complete == 1
    assert parsed.parser.get_status_code() == found.status
    assert parsed.body == found.body
    assert parsed.keep_alive or not found.keep_alive
    served = [value for name, value in parsed.headers if name == b"isthmus-served-by"]
    assert found.served == (served[-1].strip() if served else b"")


@settings(max_examples=80)
@given(st.lists(st.integers(0, len(SIMPLE)), max_size=4))
def test_cut_anywhere_an_answer_is_the_same(cuts):
    """In one piece by the short cut, in several by the parser: the exchange cannot tell."""
    edges = sorted({0, *cuts, len(SIMPLE)})
    assert received([SIMPLE[a:b] for a, b in itertools.pairwise(edges)]) == [
        (200, b"public/ad-1", b"ok", "")
    ]


def test_answers_by_turns_short_and_long_share_a_connection():
    """After a chunked answer the next plain one is taken again, and a stray byte ends the connection."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    ended = received([SIMPLE, chunked, SIMPLE])
    assert [(status, body) for status, _, body, _ in ended] == [(200, b"ok")] * 3


class Kept:
    """A pool of one connection."""

    def now_ns(self):
        return 1

    def release(self, connection):
        pass

    def forget(self, connection):
        pass


class Ended(Exchange):
    __slots__ = ("ends",)

    def finished(self, failure):
        self.ends.append((self.status, self.served, self.body, failure))


class Wire(asyncio.Transport):
    def write(self, data):
        pass

    def abort(self):
        pass


def received(pieces):
    """What one connection makes of the pieces, a new exchange for each answer."""
    connection = Connection(Kept(), None)
    connection.connection_made(Wire())
    ends = []
    for piece in pieces:
        if connection._exchange is None:
            exchange = Ended(b"", 0)
            exchange.ends = ends
            connection.send(exchange)
        connection.data_received(piece)
    return ends


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"HTTP/1.1 200", SIMPLE[:-1], SIMPLE + b"x"])
def test_what_is_not_one_whole_answer_goes_to_the_parser(data):
    """Nothing, a part, and more than one."""
    assert whole_answer(data) is None
