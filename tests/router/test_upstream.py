"""One connection: what is written, how answers are parsed, when it may be used again."""

import asyncio

import pytest

from router.guard import DETECTORS, Guard
from router.pool import Pool
from router.reply import Reply
from router.retry import Failure
from router.upstream import GuardBlockedError
from tests.router.harness import mobile
from tests.router.upstreams import scripted

REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def ask(connection, *, method: str = "GET", data: bytes = REQUEST) -> Reply:
    reply = Reply(asyncio.get_running_loop(), method, hold=True, hold_bytes_max=1000)
    connection.send(data, reply)
    await reply.wait(2)
    return reply


def pool(port: int, guard: Guard | None = None) -> Pool:
    return Pool("127.0.1.30", port, source_address="127.0.1.31", guard=guard)


async def test_requests_follow_one_another_on_one_connection() -> None:
    """GET, HEAD (whose length announces no body), GET."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
    async with scripted(OK, head, OK) as (script, port):
        connection = await pool(port).connect(1)
        assert (await ask(connection)).take_body() == b"ok"
        bodiless = await ask(connection, method="HEAD")
        assert bodiless.complete
        assert bodiless.length == 99
        assert connection.reusable
        assert (await ask(connection)).take_body() == b"ok"
        assert script.connections == 1
        connection.abort()


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (None, Failure.LOST),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", Failure.LOST),
        (b"nonsense\r\n\r\n", Failure.GARBLED),
    ],
)
async def test_failures_are_told_apart(answer: bytes | None, failure: Failure) -> None:
    """Closed before the end, closed within it, not HTTP."""
    answers = (answer, None) if answer else (None,)
    async with scripted(*answers) as (_, port):
        connection = await pool(port).connect(1)
        reply = Reply(asyncio.get_running_loop(), "GET", hold=True, hold_bytes_max=1000)
        connection.send(REQUEST, reply)
        if len(answers) > 1:
            connection.write(b"\r\n\r\n")
        await reply.wait(2)
        assert reply.failure is failure
        assert not connection.reusable


async def test_bytes_nobody_asked_for_close_the_connection() -> None:
    """What a service says unasked could be taken for the next answer."""
    async with scripted(
        OK, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 smuggled\r\n\r\n"
    ) as (_, port):
        connection = await pool(port).connect(1)
        await ask(connection)
        reply = await ask(connection)
        assert reply.take_body() == b"ok"
        assert not connection.reusable


async def test_the_guard_stands_at_the_socket() -> None:
    """Head or later body: nothing of a write that it stops is sent, and the connection ends."""
    number = mobile().encode()
    async with scripted(OK) as (script, port):
        guarded = pool(port, Guard(DETECTORS))
        connection = await guarded.connect(1)
        with pytest.raises(GuardBlockedError) as blocked:
            await ask(connection, data=REQUEST.replace(b" / ", b" /?p=" + number + b" "))
        assert blocked.value.finding == "cn-mobile"
        connection = await guarded.connect(1)
        with pytest.raises(GuardBlockedError):
            connection.write(number)
        assert not connection.reusable
    assert number not in script.got
