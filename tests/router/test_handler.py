"""The way of one request, end to end over loopback: judged, placed, recorded, answered."""

import asyncio
import gzip
import json
import random
from pathlib import Path

import pytest
from aiohttp import web

from contracts.settings import RouterLimits
from router.audit import verify
from tests.router.harness import POLICY, Cloud, running_cloud, until, wire
from tests.router.identifiers import MAKERS, mobile


def everything_seen(cloud: Cloud, site: str) -> bytes:
    return b"\n".join(
        f"{seen.method} {seen.target} {seen.headers}".encode() + seen.body
        for service in cloud.services.values()
        if service.site == site
        for seen in service.seen
    )


async def send(cloud: Cloud, method: str, path: str, **kw):
    async with cloud.client.request(method, cloud.url(path), **kw) as answer:
        return answer.status, answer.headers, await answer.read()


async def test_public_requests_go_to_the_public_site(cloud: Cloud) -> None:
    """A clean GET and a clean POST are served by public endpoints."""
    for method, path, kw in (("GET", "/ads?slot=a", {}), ("POST", "/clicks", {"json": {"a": 1}})):
        status, headers, _ = await send(cloud, method, path, **kw)
        assert status == 200
        assert headers["Isthmus-Served-By"].startswith("public/")


@pytest.mark.parametrize("detector", sorted(MAKERS))
async def test_sensitive_values_never_reach_a_public_service(cloud: Cloud, detector: str) -> None:
    """In target, header, cookie, JSON, form and gzip: served by the private site, unseen by the public one."""
    value = MAKERS[detector](random.Random(5))
    packed = gzip.compress(json.dumps({"note": value}).encode())
    gzipped = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    for method, path, kw in (
        ("GET", f"/ads?q={value}", {}),
        ("GET", f"/ads/{value}", {}),
        ("GET", "/ads", {"headers": {"X-Note": value}}),
        ("GET", "/ads", {"headers": {"Cookie": f"ab={value}"}}),
        ("POST", "/clicks", {"json": {"note": value}}),
        ("POST", "/clicks", {"data": {"note": value}}),
        ("POST", "/clicks", {"data": packed, "headers": gzipped}),
    ):
        status, headers, _ = await send(cloud, method, path, **kw)
        assert status == 200, path
        assert headers["Isthmus-Served-By"].startswith("private/"), (method, kw)
    seen = everything_seen(cloud, "public")
    assert value.encode() not in seen
    assert packed not in seen
    assert cloud.metric("isthmus_router_raised_total") == 7
    assert cloud.metric("isthmus_router_guard_blocks_total") == 0


async def test_without_scan_the_guard_stops_what_the_scan_missed(tmp_path: Path) -> None:
    """Scan off: the value does not leave, the client gets 502, the block is counted and recorded."""
    value = mobile(random.Random(6))
    async with running_cloud(tmp_path, disable=("scan",)) as cloud:
        status, _, body = await send(cloud, "GET", f"/ads?q={value}")
        assert status == 502
        assert value.encode() not in body
        status, _, _ = await send(cloud, "POST", "/clicks", json={"note": value})
        assert status == 502
        assert value.encode() not in everything_seen(cloud, "public")
        assert cloud.metric("isthmus_router_guard_blocks_total") == 2
        assert cloud.metric("isthmus_router_decisions_total", kind="guard_block") == 2
    assert verify(tmp_path / "evidence").by_kind == {"guard_block": 2}


async def test_without_scan_and_guard_it_leaks(tmp_path: Path) -> None:
    """The negative control: with both mechanisms off the value does arrive, so both are what stops it."""
    value = mobile(random.Random(7))
    async with running_cloud(tmp_path, disable=("scan", "guard")) as cloud:
        status, _, _ = await send(cloud, "GET", f"/ads?q={value}")
        assert status == 200
        assert value.encode() in everything_seen(cloud, "public")
        assert cloud.worker.readiness().disabled == ("scan", "guard")


async def test_no_route_forwards_nothing(cloud: Cloud) -> None:
    """404 from the router itself, without a value of the request."""
    status, headers, body = await send(cloud, "GET", "/nothing/here?secret=abc")
    assert status == 404
    assert headers["Content-Type"] == "application/problem+json"
    assert b"secret" not in body
    assert not any(service.seen for service in cloud.services.values())


async def test_an_edge_serves_public_and_nothing_else(edge: Cloud) -> None:
    """421 for raised, sensitive and unknown; nothing of it is forwarded, stored or logged."""
    value = mobile(random.Random(8))
    status, headers, _ = await send(edge, "GET", "/ads")
    assert status == 200
    assert headers["Isthmus-Served-By"].startswith("public/")
    for method, path, kw in (
        ("GET", f"/ads?q={value}", {}),
        ("POST", "/clicks", {"json": {"note": value}}),
        ("POST", "/orders", {"json": {"phone": value}}),
        ("GET", "/profiles/7", {}),
        ("GET", f"/none/{value}", {}),
    ):
        status, headers, body = await send(edge, method, path, **kw)
        assert status == 421, path
        assert headers["Content-Type"] == "application/problem+json"
        assert value.encode() not in body
    assert value.encode() not in everything_seen(edge, "public") + everything_seen(edge, "private")
    assert not any(s.seen for s in edge.services.values() if s.site == "private")
    for file in (edge.root / "evidence").iterdir():
        assert value.encode() not in file.read_bytes()
    assert edge.metric("isthmus_router_decisions_total", kind="refused") == 5


async def test_cookies_not_listed_are_cut_before_a_public_socket_only(cloud: Cloud) -> None:
    """The public service sees `ab`; a private one sees all."""
    cookies = {"Cookie": "session=secret; ab=1"}
    await send(cloud, "GET", "/ads", headers=cookies)
    await send(cloud, "GET", "/profiles/7", headers=cookies)
    (public,) = [s for n, s in cloud.services.items() if s.site == "public" and s.seen]
    assert dict(public.seen[0].headers)["Cookie"] == "ab=1"
    assert dict(cloud.services["profiles-1"].seen[0].headers)["Cookie"] == "session=secret; ab=1"


async def test_evidence_equals_decisions_and_holds_no_value(cloud: Cloud) -> None:
    """What the metric counts is what the files hold, for every kind, at any scrape."""
    value = mobile(random.Random(9))
    for _ in range(3):
        await send(cloud, "GET", "/ads")
    await send(cloud, "GET", f"/ads?q={value}")
    await send(cloud, "GET", "/profiles/7")
    await send(cloud, "GET", "/none")
    await wire(cloud.http, b"nonsense\r\n\r\n")
    decisions = cloud.metric("isthmus_router_decisions_total")
    report = verify(cloud.root / "evidence")
    assert report.chain_ok
    assert report.records == decisions == 7
    assert report.by_kind == {"public_count": 3, "raised": 1, "refused": 2, "sensitive": 1}
    assert all(value.encode() not in f.read_bytes() for f in (cloud.root / "evidence").iterdir())


async def test_a_body_beyond_the_bound_is_sensitive_and_arrives_whole(cloud: Cloud) -> None:
    """Beyond `inspect.body` nothing public sees a byte; the private service gets every one, chunked or not."""
    body = bytes(random.Random(1).choices(b"abcdefgh ", k=300_000))

    async def chunks():
        for at in range(0, len(body), 7777):
            yield body[at : at + 7777]

    for data in (body, chunks()):
        status, headers, _ = await send(cloud, "POST", "/clicks", data=data)
        assert status == 200
        assert headers["Isthmus-Served-By"] == "private/clicks-private"
    assert [seen.body == body for seen in cloud.services["clicks-private"].seen] == [True, True]
    assert not cloud.services["clicks-public"].seen


async def test_expect_is_answered_when_the_head_is_judged(cloud: Cloud) -> None:
    """100 Continue comes before the body is sent, and only for a request that will be read."""
    head = b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    got = await wire(cloud.http, head % b"/clicks", wait_s=0.5)
    assert got == b"HTTP/1.1 100 Continue\r\n\r\n"
    got = await wire(cloud.http, head % b"/none", wait_s=0.5)
    assert got.startswith(b"HTTP/1.1 404 ")


async def test_a_full_pool_is_shed_with_retry_after(tmp_path: Path) -> None:
    """Ads beyond the limit get 429 and when to come back; orders still pass."""
    async with running_cloud(tmp_path, limits=RouterLimits(concurrency_public=1)) as cloud:
        gate = asyncio.Event()

        async def slow(_request, _body):
            await gate.wait()
            return web.Response()

        cloud.services["clicks-public"].answer = slow
        async with asyncio.TaskGroup() as group:
            first = group.create_task(send(cloud, "POST", "/clicks", json={}))
            await until(lambda: bool(cloud.services["clicks-public"].seen))
            status, headers, _ = await send(cloud, "GET", "/ads")
            assert status == 429
            assert headers["Retry-After"] == "1"
            status, _, _ = await send(cloud, "POST", "/orders", json={})
            assert status == 200
            gate.set()
        assert first.result()[0] == 200


async def test_an_unknown_method_reaches_no_public_site(tmp_path: Path) -> None:
    """A route of every method: what the parser lets through and nobody registered goes to the private site."""
    policy = POLICY.replace("methods: [GET, HEAD], ", "")
    async with running_cloud(tmp_path, policy=policy) as cloud:
        for method, by in (("PROPFIND", "private/ads-private"), ("OPTIONS", "public/")):
            async with cloud.client.request(method, cloud.url("/ads")) as answer:
                assert answer.headers["Isthmus-Served-By"].startswith(by)
        got = await wire(
            cloud.http,
            b"GET%b /ads HTTP/1.1\r\nHost: h\r\n\r\n" % mobile(random.Random(4)).encode(),
        )
        assert got.startswith(b"HTTP/1.1 400 ")
        assert cloud.metric("isthmus_router_decisions_total", kind="raised") == 1
