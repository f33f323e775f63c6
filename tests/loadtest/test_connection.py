import asyncio
import contextlib
import time

import pytest

from loadtest.connection import BODY_BYTES_MAX, Exchange
from loadtest.pool import Pool
from tests.loadtest.doors import until

OK = b"HTTP/1.1 200 OK\r\nIsthmus-Served-By: public/ad-1\r\nContent-Length: 2\r\n\r\nok"


class Awaited(Exchange):
    """An exchange a test can wait for."""

    __slots__ = ("failure", "future")

    def __init__(self, future, timeout_s=5.0):
        super().__init__(
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", time.monotonic_ns() + int(timeout_s * 1e9)
        )
        self.future = future
        self.failure = None

    def finished(self, failure):
        assert self.failure is None
        self.failure = failure
        self.future.set_result(self)


class Scripted(asyncio.Protocol):
    """Answers each request with the next script: bytes in pieces, then closes on None."""

    def __init__(self, script):
        self.script = script

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, _):
        for piece in self.script.pop(0):
            if piece is None:
                self.transport.close()
            else:
                self.transport.write(piece)


@contextlib.asynccontextmanager
async def door(*script, connections_max=4):
    """A pool to a server that follows the script over all its connections, and a send function."""
    loop = asyncio.get_running_loop()
    answers = list(script)
    server = await loop.create_server(lambda: Scripted(answers), "127.0.0.1", 0)
    pool = Pool(
        loop, time.monotonic_ns, address=f"127.0.0.1:{server.sockets[0].getsockname()[1]}",
        connections_max=connections_max, connect_s=5,
    )  # fmt: skip

    async def send():
        exchange = Awaited(loop.create_future())
        pool.submit(exchange)
        async with asyncio.timeout(10):
            return await exchange.future

    try:
        yield pool, send
    finally:
        await pool.close()
        server.close()


@pytest.mark.parametrize(
    "answer",
    [
        [OK],
        [OK[:5], OK[5:40], OK[40:]],
        [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", OK],
        [
            b"HTTP/1.1 200 OK\r\nISTHMUS-SERVED-BY: public/ad-1\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n"
        ],
        [OK.replace(b"Content-Length", b"Connection: close\r\nContent-Length"), None],
    ],
)
async def test_whole_answers_are_read(answer):
    """In one piece, in many, after an interim one, chunked or with a close: status, site and body."""
    async with door(answer, answer) as (_, send):
        for _ in range(2):
            exchange = await send()
            assert (exchange.failure, exchange.status) == ("", 200)
            assert (exchange.served, exchange.body) == (b"public/ad-1", b"ok")


@pytest.mark.parametrize(
    "answer",
    [
        [None],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", None],
        [b"SSH-2.0-nothing\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES_MAX + 1), b"x" * (BODY_BYTES_MAX + 1)],
    ],
)  # fmt: skip
async def test_broken_answers_are_resets(answer):
    """Nothing, half an answer, no HTTP or too much: no status, and the next request still works."""
    async with door(answer, [OK]) as (_, send):
        exchange = await send()
        assert (exchange.failure, exchange.status) == ("reset", 0)
        assert (await send()).status == 200


async def test_a_connection_carries_one_request_after_another():
    """Keep-alive: the second request uses the first one's connection."""
    async with door([OK], [OK]) as (pool, send):
        await send()
        await send()
        assert len(pool._connections) == 1


async def test_a_connection_with_bytes_nobody_asked_for_is_not_used_again():
    """An answer too many must not be taken for the next one's."""
    async with door([OK, OK.replace(b"200 OK", b"500 No")], [OK]) as (pool, send):
        first = await send()
        assert first.status == 200
        await until(lambda: not any(one.usable() for one in pool._connections))
        assert (await send()).status == 200
