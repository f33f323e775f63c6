"""Attempts and failover over loopback: what is repeated, where, and how soon."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web

from tests.router.harness import Cloud, running_cloud, set_hanging, until


async def load(cloud: Cloud, count: int, *, gap_s: float = 0.004) -> list[tuple[int, str, float]]:
    """Ads at a steady rate: status, who served, seconds."""
    results: list[tuple[int, str, float]] = []

    async def one() -> None:
        began = time.perf_counter()
        async with cloud.client.get(cloud.url("/ads?slot=a")) as answer:
            await answer.read()
            by = answer.headers.get("Isthmus-Served-By", "")
            results.append((answer.status, by, time.perf_counter() - began))

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())
            await asyncio.sleep(gap_s)
    return results


def reset(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()


async def test_a_killed_node_costs_no_request(cloud: Cloud) -> None:
    """One of three nodes dies under load: every request is answered 200, by the others."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(load(cloud, 150))
        await asyncio.sleep(0.2)
        await cloud.services["ads-1"].stop()
    results = running.result()
    assert {status for status, _, _ in results} == {200}
    await until(lambda: state_of(cloud, "ads-1") == "ejected")
    after = await load(cloud, 30)
    assert "public/ads-1" not in {by for _, by, _ in after}


def state_of(cloud: Cloud, node: str) -> str:
    return next(e.state for site in cloud.worker.sites() for e in site.endpoints if e.node == node)


def breaker_of(cloud: Cloud, name: str) -> str:
    return next(site.breaker for site in cloud.worker.sites() if site.name == name)


async def test_a_black_holed_site_is_left_for_the_reserve_without_a_failure(cloud: Cloud) -> None:
    """Every public service goes silent: no idempotent request fails, and soon none even waits."""
    publics = [s for s in cloud.services.values() if s.site == "public"]
    await load(cloud, 20)
    for service in publics:
        set_hanging(service, hang=True)
    results = await load(cloud, 300)
    assert Counter(status for status, _, _ in results) == {200: 300}
    assert {by for _, by, _ in results} == {"private/ads-private"}
    assert breaker_of(cloud, "public") == "open"
    for service in publics:
        set_hanging(service, hang=False)
    await until(lambda: breaker_of(cloud, "public") == "closed")
    await until(lambda: state_of(cloud, "ads-2") in {"healthy", "slow_start"})
    healed = await load(cloud, 100)
    assert {status for status, _, _ in healed} == {200}
    assert any(by.startswith("public/") for _, by, _ in healed)


async def test_a_grey_node_is_ejected(cloud: Cloud) -> None:
    """It accepts and never answers: ejected by probes, and its requests are answered by others."""
    set_hanging(cloud.services["ads-1"], hang=True)
    results = await load(cloud, 50)
    assert {status for status, _, _ in results} == {200}
    await until(lambda: state_of(cloud, "ads-1") == "ejected")
    assert breaker_of(cloud, "public") == "closed"


async def test_a_keyed_order_is_sent_again_at_its_own_site(cloud: Cloud) -> None:
    """The answer is lost after the service acted: the same key and body come a second time."""
    dropped: list[str] = []

    async def lose_first(request: web.Request, _body: bytes) -> web.StreamResponse:
        if not dropped:
            dropped.append("once")
            reset(request)
        return web.Response(status=201)

    cloud.services["orders-1"].answer = lose_first
    keyed = {"Idempotency-Key": "k-1"}
    async with cloud.client.post(cloud.url("/orders"), json={"x": 1}, headers=keyed) as answer:
        assert answer.status == 201
    first, second = cloud.services["orders-1"].seen
    assert first.body == second.body
    assert dict(second.headers)["Idempotency-Key"] == "k-1"


@pytest.mark.parametrize("path", ["/clicks", "/orders"])
async def test_an_unkeyed_post_is_never_repeated(cloud: Cloud, path: str) -> None:
    """Bytes were written and the method is not idempotent: 502, sent once."""

    async def lose(request: web.Request, _body: bytes) -> web.StreamResponse:
        reset(request)
        return web.Response()

    for service in cloud.services.values():
        service.answer = lose
    async with cloud.client.post(cloud.url(path), json={"x": 1}) as answer:
        assert answer.status == 502
    assert sum(len(service.seen) for service in cloud.services.values()) == 1


async def test_nothing_written_is_repeated_whatever_the_method(cloud: Cloud) -> None:
    """A refused connection: the unkeyed POST goes to the next place, here the reserve."""
    await cloud.services["clicks-public"].stop()
    async with cloud.client.post(cloud.url("/clicks"), json={"x": 1}) as answer:
        assert answer.status == 200
        assert answer.headers["Isthmus-Served-By"] == "private/clicks-private"


async def test_a_death_in_mid_answer_is_repeated(cloud: Cloud) -> None:
    """Half of a held answer arrives and the connection dies: the client gets a whole one from another node."""

    async def half(request: web.Request, _body: bytes) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b"x" * 400)
        reset(request)
        return answer

    cloud.services["ads-1"].answer = half
    for _ in range(12):
        async with cloud.client.get(cloud.url("/ads")) as answer:
            assert answer.status == 200
            assert b"x" not in await answer.read()
    assert cloud.services["ads-1"].seen


async def test_a_sensitive_request_never_fails_over_to_the_public_site(cloud: Cloud) -> None:
    """Every private service is down and public ones would answer: 503, nothing public is touched."""
    for service in cloud.services.values():
        if service.site == "private":
            await service.stop()
    for method, path, kw in (
        ("GET", "/profiles/7", {}),
        ("POST", "/orders", {"json": {}}),
        ("GET", "/ads?q=%31%39%39%30%30%34%37%31%32%33%34", {}),
    ):
        async with cloud.client.request(method, cloud.url(path), **kw) as answer:
            assert answer.status == 503, path
            assert answer.headers["Retry-After"] == "1"
            assert answer.headers["Content-Type"] == "application/problem+json"
    assert not any(s.seen for s in cloud.services.values() if s.site == "public")


async def test_without_a_reserve_nothing_spills(tmp_path: Path) -> None:
    """Public services gone and no share reserved: 503, the private site is left alone."""
    async with running_cloud(tmp_path, reserve="") as cloud:
        for name in ("ads-1", "ads-2", "ads-3"):
            await cloud.services[name].stop()
        async with cloud.client.get(cloud.url("/ads")) as answer:
            assert answer.status == 503
        assert not cloud.services["ads-private"].seen


async def test_without_failover_one_attempt_is_all(tmp_path: Path) -> None:
    """The negative control: a dead node's requests fail, so failover is what saves them."""
    async with running_cloud(tmp_path, disable=("failover",)) as cloud:
        await cloud.services["ads-1"].stop()
        statuses = Counter(status for status, _, _ in await load(cloud, 60))
        assert statuses[503] > 0
        assert not cloud.services["ads-private"].seen


async def test_retries_are_bounded_by_the_budget(cloud: Cloud) -> None:
    """Every node resets every request: amplification stays within ten retries and a fifth."""

    async def lose(request: web.Request, _body: bytes) -> web.StreamResponse:
        reset(request)
        return web.Response()

    for service in cloud.services.values():
        service.answer = lose
    async with asyncio.TaskGroup() as group:
        for _ in range(40):
            group.create_task(load(cloud, 1))
    assert cloud.metric("isthmus_router_retries_total") <= 10
