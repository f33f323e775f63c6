"""Request bodies: held, oversize, late, broken, and answered early."""

import asyncio
import contextlib
from pathlib import Path

import pytest
from aiohttp import web

from contracts.settings import RouterLimits
from router.chain import Good, frames
from tests.router.harness import POLICY, Cloud, running_cloud, until, wire

BOTH_HOLD = POLICY.replace("public: {holds: [public]}", "public: {holds: [public, sensitive]}") + (
    '  - {id: up, match: {methods: [PUT], paths: ["/ads/**"]}, class: sensitive, service: ads}\n'
)
ONE_HOLDS = BOTH_HOLD.replace("public: {holds: [public, sensitive]}", "public: {holds: [public]}")


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


def listen(cloud: Cloud) -> list[bytes]:
    """Make the ads services take bodies as they come; what they got so far."""
    got: list[bytes] = []

    async def take(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/healthz":
            return web.Response()
        with contextlib.suppress(Exception):
            while data := await request.content.readany():
                got.append(data)
            got.append(b"whole")
        return web.Response()

    for name in ("ads-1", "ads-2", "ads-3"):
        server = cloud.services[name].web_server
        assert server is not None
        server.request_handler = take
        for door in server.connections:
            door._request_handler = take
    return got


def reasons(cloud: Cloud) -> list[str]:
    (path,) = (cloud.root / "evidence").glob("*.log")
    return [
        reason
        for frame in frames(path.read_bytes())
        if isinstance(frame, Good)
        for reason in frame.record.reasons
    ]


@pytest.mark.parametrize(
    ("framing", "rest"),
    [
        (b"Transfer-Encoding: chunked", b"4\r\nrest\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked", b"0\r\n\r\n"),
        (b"Content-Length: 200004", b"rest"),
    ],
    ids=["chunk", "end", "length"],
)
async def test_an_upload_stops_when_a_swap_forbids_its_site(
    tmp_path: Path, framing: bytes, rest: bytes
) -> None:
    """Half of it went out while the site might hold it; nothing after the swap does, and both sides are told."""
    async with running_cloud(tmp_path, policy=BOTH_HOLD) as cloud:
        got = listen(cloud)
        host, _, port = cloud.http.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        first = b"x" * 200_000
        sent = first if b"Length" in framing else b"%x\r\n%b\r\n" % (len(first), first)
        writer.write(b"PUT /ads/1 HTTP/1.1\r\nHost: h\r\n%b\r\n\r\n%b" % (framing, sent))
        await until(lambda: sum(map(len, got)) == len(first))
        (cloud.root / "policy.yaml").write_text(ONE_HOLDS)
        assert await cloud.worker.reload() == ""
        writer.write(rest)
        answer = await asyncio.wait_for(reader.read(), 3)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b'"code":"withdrawn"' in answer
        assert "withdrawn:public" in reasons(cloud)
        await until(lambda: cloud.metric("isthmus_router_in_flight") == 0)
        assert b"".join(got) == first


async def test_an_upload_goes_on_when_a_swap_still_allows_its_site(tmp_path: Path) -> None:
    """A swap of something else costs no upload."""
    async with running_cloud(tmp_path, policy=BOTH_HOLD) as cloud:
        got = listen(cloud)
        host, _, port = cloud.http.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = (
            b"PUT /ads/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 200004\r\nConnection: close\r\n\r\n"
        )
        writer.write(head + b"x" * 200_000)
        await until(lambda: sum(map(len, got)) == 200_000)
        (cloud.root / "policy.yaml").write_text(BOTH_HOLD.replace(", bank-card", ""))
        assert await cloud.worker.reload() == ""
        writer.write(b"rest")
        assert (await asyncio.wait_for(reader.read(), 3)).startswith(b"HTTP/1.1 200 ")
        writer.close()
        assert b"".join(got).endswith(b"restwhole")
