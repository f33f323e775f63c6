"""Request bodies: held, oversize, late, broken, and answered early."""

import asyncio
from pathlib import Path

from aiohttp import web

from contracts.settings import RouterLimits
from tests.router.harness import Cloud, running_cloud, until, wire


async def test_a_chunked_body_is_held_and_sent_with_a_length(cloud: Cloud) -> None:
    """Split over segments and chunks, it is judged and sent as one."""
    head = b"POST /clicks HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    got = await wire(cloud.http, head + b'4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n')
    assert got.startswith(b"HTTP/1.1 200 ")
    (seen,) = cloud.services["clicks-public"].seen
    assert seen.body == b'{"a":1}'
    assert dict(seen.headers)["Content-Length"] == "7"
    assert "Transfer-Encoding" not in dict(seen.headers)


async def test_a_broken_body_reaches_nobody(cloud: Cloud) -> None:
    """Bad chunk framing: 400, nothing forwarded."""
    head = b"POST /clicks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    got = await wire(cloud.http, head + b"zz\r\nabc\r\n")
    assert got.startswith(b"HTTP/1.1 400 ")
    assert not any(service.seen for service in cloud.services.values())


async def test_a_late_body_is_sensitive(tmp_path: Path) -> None:
    """A public candidate whose body dawdles is raised: no public socket sees a byte of it."""
    async with running_cloud(tmp_path, limits=RouterLimits(body_s=0.2)) as cloud:
        head = b"POST /clicks HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nab"
        got = await wire(cloud.http, head)
        assert got.startswith(b"HTTP/1.1 408 ")
        assert not cloud.services["clicks-public"].seen
        assert cloud.metric("isthmus_router_decisions_total", kind="raised") == 1


async def test_an_early_answer_stops_the_upload(cloud: Cloud) -> None:
    """The service refuses before the body's end: the client gets the refusal without sending the rest."""

    async def refuse(_request: web.Request, _body: bytes) -> web.StreamResponse:
        raise AssertionError

    service = cloud.services["profiles-1"]
    service.answer = refuse
    assert service.web_server is not None

    async def early(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/healthz":
            return web.Response()
        return web.Response(status=413, headers={"Connection": "close"})

    service.web_server.request_handler = early
    for door in service.web_server.connections:
        door._request_handler = early
    head = b"PUT /profiles/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n"
    got = await wire(cloud.http, head + b"x" * 200_000)
    assert got.startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_leaves_in_mid_body_is_settled(cloud: Cloud) -> None:
    """The connection closes half way: one decision, nothing left in flight."""
    host, _, port = cloud.http.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /orders HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc")
    await writer.drain()
    await until(lambda: cloud.metric("isthmus_router_in_flight") == 1)
    writer.close()
    await until(lambda: cloud.metric("isthmus_router_in_flight") == 0)
    assert cloud.metric("isthmus_router_decisions_total", kind="sensitive") == 1
    assert not cloud.services["orders-1"].seen
