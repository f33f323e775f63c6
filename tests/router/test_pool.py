"""Connections of one endpoint: opened, kept, given away last in first out, closed."""

import asyncio

import pytest

from router.pool import IDLE_S_MAX, Pool
from router.retry import Failure
from router.upstream import UpstreamError
from tests.router.harness import until
from tests.router.test_upstream import OK, ask, pool
from tests.router.upstreams import scripted


async def used(of: Pool, now_s: float):
    connection = await of.connect(1)
    reply = await ask(connection)
    of.give_back(connection, reply, now_s)
    return connection


async def test_the_last_one_given_back_is_taken_first() -> None:
    """A small set of warm connections does the work."""
    async with scripted(OK, OK) as (_, port):
        of = pool(port)
        first, second = await used(of, 0.0), await used(of, 1.0)
        assert repr(of).endswith("2 idle, 2 open>")
        assert of.take() is second
        assert of.take() is first
        assert of.take() is None
        of.close()


async def test_a_closing_answer_is_not_kept() -> None:
    """`Connection: close` means what it says."""
    async with scripted(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")) as (_, port):
        of = pool(port)
        await used(of, 0.0)
        assert of.take() is None


async def test_a_connection_the_service_closed_is_not_given_away() -> None:
    """It leaves the pool when it ends, not when it fails a request."""
    async with scripted(OK, None) as (_, port):
        of = pool(port)
        connection = await used(of, 0.0)
        connection.write(b"x\r\n\r\n")
        await until(lambda: repr(of).endswith("0 idle, 0 open>"))
        assert of.take() is None


async def test_idle_ones_are_closed_in_time_and_all_on_close() -> None:
    """Older than the bound goes; younger stays until the end."""
    async with scripted(OK, OK) as (_, port):
        of = pool(port)
        await used(of, 0.0)
        young = await used(of, 10.0)
        of.trim(IDLE_S_MAX + 1)
        assert of.take() is young
        of.close()
        await until(lambda: repr(of).endswith("0 open>"))


async def test_a_retired_pool_keeps_nothing() -> None:
    """Idle ones are closed at retirement, and one given back after it is closed too."""
    async with scripted(OK, OK) as (_, port):
        of = pool(port)
        await used(of, 0.0)
        busy = await of.connect(1)
        of.retire()
        await until(lambda: repr(of).endswith("0 idle, 1 open>"))
        of.give_back(busy, await ask(busy), 1.0)
        assert of.take() is None
        await until(lambda: repr(of).endswith("0 idle, 0 open>"))


async def test_no_listener_is_unsent_and_not_silence() -> None:
    """Refused at once, from the bound source address."""
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.1.30", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(UpstreamError) as error:
        await pool(port).connect(1)
    assert error.value.failure is Failure.UNSENT
    assert not error.value.silent


async def test_connections_come_from_the_source_address() -> None:
    """Services that admit one network only see an address of it."""
    seen: list[str] = []

    def on_connect(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername")[0])
        writer.close()

    server = await asyncio.start_server(on_connect, "127.0.1.30", 0)
    of = pool(server.sockets[0].getsockname()[1])
    await of.connect(1)
    await until(lambda: bool(seen))
    assert seen == ["127.0.1.31"]
    of.close()
    server.close()
    await server.wait_closed()
