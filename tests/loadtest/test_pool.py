import asyncio
import time

from loadtest.pool import Pool
from tests.loadtest.doors import open_recorder, open_shop
from tests.loadtest.test_connection import OK, Awaited, door


async def test_more_requests_than_connections_wait_in_order():
    """With two connections ten requests are all answered over two."""
    async with door(*[[OK]] * 10, connections_max=2) as (pool, send):
        done = await asyncio.gather(*(send() for _ in range(10)))
        assert [one.status for one in done] == [200] * 10
        assert len(pool._connections) == 2
        stamps = [one.sent_ns for one in done]
        assert stamps == sorted(stamps)


async def test_a_closed_keep_alive_connection_costs_no_request():
    """A server that closes after every answer still gets each request exactly once, and none fails."""
    loop = asyncio.get_running_loop()
    async with open_recorder(closes_after=1) as (requests, address):
        pool = Pool(loop, time.monotonic_ns, address=address, connections_max=4, connect_s=5)
        try:
            for number in range(20):
                exchange = Awaited(loop.create_future())
                pool.submit(exchange)
                async with asyncio.timeout(10):
                    await exchange.future
                assert exchange.failure == ""
                assert len(requests) == number + 1
        finally:
            await pool.close()


async def test_a_closed_port_refuses_each_request_once():
    """Nobody listens: every request ends `refused` without a byte sent, none waits for ever."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()
    pool = Pool(loop, time.monotonic_ns, address=address, connections_max=2, connect_s=5)
    exchanges = [Awaited(loop.create_future()) for _ in range(6)]
    for exchange in exchanges:
        pool.submit(exchange)
    async with asyncio.timeout(10):
        await asyncio.gather(*(exchange.future for exchange in exchanges))
    assert {exchange.failure for exchange in exchanges} == {"refused"}
    assert {exchange.sent_ns for exchange in exchanges} == {0}
    await pool.close()


async def test_an_expired_request_frees_its_place():
    """A request given up closes its connection; those behind it are served by another."""
    loop = asyncio.get_running_loop()
    async with open_shop() as (shop, address):
        pool = Pool(loop, time.monotonic_ns, address=address, connections_max=1, connect_s=5)
        shop.gate.clear()
        shop.reach = 1
        first, second, third = (Awaited(loop.create_future()) for _ in range(3))
        for exchange in (first, second, third):
            exchange.payload = b"GET /ads HTTP/1.1\r\nHost: x\r\n\r\n"
            pool.submit(exchange)
        async with asyncio.timeout(10):
            await shop.reached.wait()
            second.expire()
            first.expire()
            shop.gate.set()
            await third.future
        assert (first.failure, second.failure, third.failure) == ("timeout", "refused", "")
        assert third.status == 200
        await pool.close()


async def test_without_keep_alive_every_request_has_its_own_connection():
    """Each connection is closed after its answer, and the pool counts how many it opened."""
    loop = asyncio.get_running_loop()
    async with open_recorder() as (requests, address):
        pool = Pool(
            loop, time.monotonic_ns, address=address, connections_max=2, connect_s=5, keep_alive=False
        )  # fmt: skip
        exchanges = [Awaited(loop.create_future()) for _ in range(6)]
        for exchange in exchanges:
            pool.submit(exchange)
        async with asyncio.timeout(10):
            await asyncio.gather(*(exchange.future for exchange in exchanges))
        assert {exchange.status for exchange in exchanges} == {200}
        assert (pool.connects, pool.refused, len(requests)) == (6, 0, 6)
        await pool.close()
        assert pool.open == 0


async def test_a_connection_is_trusted_only_while_its_answer_is_young():
    """A server that closed an idle connection costs no request once the trust has run out."""
    loop = asyncio.get_running_loop()
    now_ns = [1]
    async with open_recorder(closes_after=1) as (requests, address):
        pool = Pool(
            loop, lambda: now_ns[0], address=address, connections_max=1, connect_s=5, trust_ns=100
        )  # fmt: skip
        for _ in range(5):
            exchange = Awaited(loop.create_future())
            pool.submit(exchange)
            async with asyncio.timeout(10):
                await exchange.future
            assert exchange.failure == ""
            now_ns[0] += 1000
        assert len(requests) == pool.connects == 5
        await pool.close()
