"""WebSockets: private ones are a byte tunnel, public ones are raised."""

import asyncio
from contextlib import suppress

import aiohttp
import pytest
from aiohttp import web

from tests.router.harness import POLICY, Cloud, until, wire


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


async def test_a_tunnel_that_a_swap_forbids_is_closed(cloud: Cloud) -> None:
    """The route is gone from the policy: its open tunnel ends."""
    serve_echo(cloud, "profiles-1")
    async with cloud.client.ws_connect(cloud.url("/profiles/ws")) as socket:
        await socket.send_str("x")
        await socket.receive_str(timeout=5)
        kept = [line for line in POLICY.splitlines() if "id: profiles" not in line]
        (cloud.root / "policy.yaml").write_text("\n".join(kept) + "\n")
        assert await cloud.worker.reload() == ""
        with suppress(ConnectionError):
            message = await asyncio.wait_for(socket.receive(), 5)
            assert message.type in {
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.ERROR,
                aiohttp.WSMsgType.CLOSE,
            }
