"""Answers on the wire: held, streamed, bodiless, interim, old clients."""

import asyncio

import pytest
from aiohttp import web

from tests.router.harness import Cloud, wire

GET = b"GET %b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def answer_with(cloud: Cloud, make) -> None:
    async def answer(request: web.Request, _body: bytes) -> web.StreamResponse:
        return await make(request)

    for service in cloud.services.values():
        service.answer = answer


async def raw(request: web.Request, data: bytes, *, close: bool = True) -> web.StreamResponse:
    """A service that writes its answer's bytes itself."""
    assert request.transport is not None
    request.transport.write(data)
    if close:
        request.transport.close()
    await asyncio.sleep(0)
    raise asyncio.CancelledError


async def test_header_order_case_and_duplicates_survive(cloud: Cloud) -> None:
    """The answer's fields arrive as sent, hop-by-hop ones gone, with one framing."""
    answer_with(
        cloud,
        lambda r: raw(r, b"HTTP/1.1 200 Fine\r\nX-b: 1\r\nx-A: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
                         b"Connection: x-hop, close\r\nX-Hop: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: t\r\n\r\n"),
    )  # fmt: skip
    got = await wire(cloud.http, GET % b"/profiles/1")
    assert got == (
        b"HTTP/1.1 200 Fine\r\nX-b: 1\r\nx-A: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
        b"Content-Length: 3\r\nConnection: close\r\n\r\nabc"
    )


async def test_an_answer_ended_by_closing_is_whole(cloud: Cloud) -> None:
    """No length and no coding: the service's close is the end, and the client gets a length."""
    answer_with(cloud, lambda r: raw(r, b"HTTP/1.0 200 OK\r\n\r\nabcdef"))
    got = await wire(cloud.http, GET % b"/profiles/1")
    assert got.endswith(b"Content-Length: 6\r\nConnection: close\r\n\r\nabcdef")


@pytest.mark.parametrize(
    ("status", "field"), [(204, b""), (304, b"Content-Length: 500\r\n"), (304, b"")]
)
async def test_statuses_without_a_body_have_none(cloud: Cloud, status: int, field: bytes) -> None:
    """204 has no length, 304 keeps the one it was sent with, and the connection goes on."""
    answer_with(cloud, lambda r: raw(r, b"HTTP/1.1 %d X\r\n%b\r\n" % (status, field), close=False))
    twice = b"GET /profiles/1 HTTP/1.1\r\nHost: h\r\n\r\n" + GET % b"/none"
    got = await wire(cloud.http, twice)
    first, _, second = got.partition(b"\r\n\r\n")
    assert first == b"HTTP/1.1 %d X" % status + (b"\r\n" + field[:-2] if field else b"")
    assert second.startswith(b"HTTP/1.1 404 ")


async def test_head_keeps_the_length_and_sends_no_body(cloud: Cloud) -> None:
    """The answer to HEAD announces what GET would have; the next answer follows at once."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * 321)

    answer_with(cloud, answer)
    head = b"HEAD /ads HTTP/1.1\r\nHost: h\r\n\r\n"
    got = await wire(cloud.http, head + head + GET % b"/none")
    parts = got.split(b"\r\n\r\n")
    assert b"Content-Length: 321" in parts[0]
    assert b"Content-Length: 321" in parts[1]
    assert parts[2].startswith(b"HTTP/1.1 404 ")


async def test_large_answers_stream_with_their_length_or_in_chunks(cloud: Cloud) -> None:
    """Beyond 64 KiB the answer is passed on as it comes, byte for byte."""
    body = bytes(range(256)) * 2000

    async def chunked(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        for at in range(0, len(body), 50_000):
            await answer.write(body[at : at + 50_000])
        return answer

    async def sized(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    for make in (chunked, sized):
        answer_with(cloud, make)
        for path in ("/ads", "/profiles/1"):
            async with cloud.client.get(cloud.url(path)) as answer:
                assert await answer.read() == body


async def test_an_event_stream_is_not_held(cloud: Cloud) -> None:
    """The first event arrives while the answer is still open."""
    gate = asyncio.Event()

    async def events(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: 1\n\n")
        await gate.wait()
        await answer.write(b"data: 2\n\n")
        return answer

    answer_with(cloud, events)
    async with cloud.client.get(cloud.url("/profiles/1")) as answer:
        assert await answer.content.readany() == b"data: 1\n\n"
        gate.set()
        assert await answer.content.readany() == b"data: 2\n\n"


async def test_a_cut_stream_is_cut_for_the_client_too(cloud: Cloud) -> None:
    """A service that dies in mid-stream: reset, never a clean end."""

    async def half(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        await answer.write(b"x" * 100_000)
        assert request.transport is not None
        request.transport.abort()
        return answer

    answer_with(cloud, half)
    try:
        got = await wire(cloud.http, GET % b"/profiles/1")
    except ConnectionResetError:
        got = b""
    assert not got.endswith(b"0\r\n\r\n")
    assert cloud.services["profiles-1"].seen


async def test_old_clients_get_no_chunks(cloud: Cloud) -> None:
    """HTTP/1.0: a stream without length ends with the connection; keep-alive is said."""
    body = b"y" * 100_000

    async def chunked(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        await answer.write(body)
        return answer

    answer_with(cloud, chunked)
    got = await wire(cloud.http, b"GET /profiles/1 HTTP/1.0\r\nHost: h\r\n\r\n")
    head, _, rest = got.partition(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert rest == body
    old = b"GET /none HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"
    assert b"\r\nConnection: keep-alive\r\n" in await wire(cloud.http, old, wait_s=0.3)


async def test_interim_answers_are_passed_on(cloud: Cloud) -> None:
    """103 Early Hints reach the client before the answer; a service's own 100 does not."""
    data = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    )
    answer_with(cloud, lambda r: raw(r, data))
    got = await wire(cloud.http, GET % b"/profiles/1")
    assert got.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert got.endswith(b"\r\n\r\nok")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
    ],
)
async def test_an_answer_that_is_not_http_is_a_bad_gateway(cloud: Cloud, data: bytes) -> None:
    """Ambiguous or broken answers are not passed on."""
    answer_with(cloud, lambda r: raw(r, data))
    got = await wire(cloud.http, GET % b"/profiles/1")
    assert got.startswith(b"HTTP/1.1 502 ")
    assert b"application/problem+json" in got
