"""WebSockets: private ones are a byte tunnel, public ones are raised."""

import asyncio
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from router.pool import Pool
from router.tunnel import RECHECK_S
from router.upstream import Connection
from tests.router.harness import POLICY, Cloud, running_cloud, until, wire


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    if request.path == "/healthz":
        return web.Response()
    socket = web.WebSocketResponse(protocols=("chat",))
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data + "!")
    return socket


def serve_echo(cloud: Cloud, name: str) -> None:
    server = cloud.services[name].web_server
    assert server is not None
    server.request_handler = echo
    for door in server.connections:
        door._request_handler = echo


async def test_a_private_websocket_is_carried_both_ways(cloud: Cloud) -> None:
    """Handshake, sub-protocol, messages large and small, and the close."""
    serve_echo(cloud, "profiles-1")
    async with cloud.client.ws_connect(cloud.url("/profiles/ws"), protocols=("chat",)) as socket:
        assert socket.protocol == "chat"
        for text in ("a", "b" * 200_000, "c"):
            await socket.send_str(text)
            assert await socket.receive_str(timeout=5) == text + "!"
    await until(lambda: cloud.metric("isthmus_router_in_flight") == 0)
    assert cloud.metric("isthmus_router_decisions_total", kind="sensitive") == 1


async def test_a_public_websocket_goes_to_the_private_site(cloud: Cloud) -> None:
    """What will be said later cannot be judged now: raised."""
    serve_echo(cloud, "ads-private")
    async with cloud.client.ws_connect(cloud.url("/ads")) as socket:
        await socket.send_str("x")
        assert await socket.receive_str(timeout=5) == "x!"
    assert cloud.metric("isthmus_router_decisions_total", kind="raised") == 1


async def test_a_service_that_declines_is_heard(cloud: Cloud) -> None:
    """No 101: the ordinary answer goes to the client."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        await cloud.client.ws_connect(cloud.url("/profiles/ws"))
    assert error.value.status == 200


async def test_without_a_service_it_is_503(cloud: Cloud) -> None:
    """Nowhere private to go: refused, with when to come back."""
    await cloud.services["profiles-1"].stop()
    head = (
        b"GET /profiles/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    got = await wire(cloud.http, head)
    assert got.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1\r\n" in got


ENDED = {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE}

HANDSHAKE = (
    b"GET /profiles/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


async def close_profiles(cloud: Cloud) -> None:
    """Swap in a policy without their route."""
    kept = [line for line in POLICY.splitlines() if "id: profiles" not in line]
    (cloud.root / "policy.yaml").write_text("\n".join(kept) + "\n")
    assert await cloud.worker.reload() == ""


async def test_a_swap_while_connecting_opens_no_tunnel(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection stands, the route is gone: not one byte goes over it, the client gets 503."""
    connect = Pool.connect

    async def connect_then_swap(pool: Pool, timeout_s: float) -> Connection:
        connection = await connect(pool, timeout_s)
        await close_profiles(cloud)
        return connection

    monkeypatch.setattr(Pool, "connect", connect_then_swap)
    got = await wire(cloud.http, HANDSHAKE)
    assert got.startswith(b"HTTP/1.1 503 ")
    assert not cloud.services["profiles-1"].seen


async def test_a_swap_while_the_service_thinks_opens_no_tunnel(cloud: Cloud) -> None:
    """Its 101 comes after the route is gone: the client never sees it."""

    async def swap_then_accept(request: web.Request, _body: bytes) -> web.StreamResponse:
        await close_profiles(cloud)
        return await echo(request)

    cloud.services["profiles-1"].answer = swap_then_accept
    got = await wire(cloud.http, HANDSHAKE)
    assert got.startswith(b"HTTP/1.1 503 ")
    await until(lambda: cloud.metric("isthmus_router_in_flight") == 0)


async def test_a_tunnel_to_a_site_that_may_hold_less_now_is_closed(tmp_path: Path) -> None:
    """Its route stays, but its site may no longer hold sensitive data: closed by the swap itself."""
    policy = POLICY.replace("public: {holds: [public]}", "public: {holds: [public, sensitive]}")
    async with running_cloud(tmp_path, policy=policy) as cloud:
        for name in ("ads-1", "ads-2", "ads-3"):
            serve_echo(cloud, name)
        async with cloud.client.ws_connect(cloud.url("/ads")) as socket:
            await socket.send_str("x")
            assert await socket.receive_str(timeout=5) == "x!"
            (cloud.root / "policy.yaml").write_text(POLICY)
            assert await cloud.worker.reload() == ""
            with suppress(ConnectionError):
                message = await asyncio.wait_for(socket.receive(), RECHECK_S / 2)
                assert message.type in ENDED


async def test_a_tunnel_that_a_swap_forbids_is_closed(cloud: Cloud) -> None:
    """The route is gone from the policy: its open tunnel ends."""
    serve_echo(cloud, "profiles-1")
    async with cloud.client.ws_connect(cloud.url("/profiles/ws")) as socket:
        await socket.send_str("x")
        await socket.receive_str(timeout=5)
        await close_profiles(cloud)
        with suppress(ConnectionError):
            message = await asyncio.wait_for(socket.receive(), 5)
            assert message.type in ENDED
