"""Endpoints found in a cluster, in a router that serves: taken on at once, without a swap, never from elsewhere."""

import asyncio
import contextlib
import ipaddress
import random
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from policy.topology import KubernetesService, Site, Topology
from router.discovery_hub import Hub
from router.discovery_watch import Timing
from tests.router.api_server import (
    ApiServerFake,
    Certificates,
    endpoint,
    kubeconfig,
    make_certificates,
    serving,
    slice_of,
)
from tests.router.harness import Cloud, running_cloud, until
from tests.router.world import endpoint as static
from tests.router.world import route, verdict


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def api(certificates: Certificates) -> AsyncIterator[ApiServerFake]:
    async with serving(certificates) as fake:
        yield fake


# ------------------------------------------------------------- the hub alone


def topology(path: Path, *networks: str, **more: object) -> Topology:
    service = KubernetesService(
        kubeconfig=f"file:{path}", namespace="shop", service="ads", port="http"
    )
    return Topology(
        version="isthmus/v1",
        sites=(
            Site(
                name="public",
                networks=tuple(map(ipaddress.ip_network, networks or ("10.97.0.0/16",))),
                services={"ads": (), "clicks": (static(1),)},
                reserve={},
                kubernetes={"ads": service} | more,
            ),
        ),
        digest="t",
    )


@contextlib.asynccontextmanager
async def hub_of() -> AsyncGenerator[Hub]:
    hub = Hub(
        clock=asyncio.get_running_loop().time,
        rng=random.Random(1),
        timing=Timing(connect_s=0.5, list_s=0.5),
    )
    try:
        yield hub
    finally:
        await hub.close()


def found(hub: Hub, given: Topology) -> list[str]:
    return [it.address for it in hub.filled(given).sites[0].services["ads"]]


async def test_what_was_found_fills_the_topology(
    tmp_path: Path, certificates: Certificates, api: ApiServerFake
) -> None:
    """Beside what is listed by hand; `settled` waits for the first list and no longer."""
    api.put(slice_of("ads-1", endpoint("10.97.0.1")))
    given = topology(kubeconfig(tmp_path, certificates, api.port))
    async with hub_of() as hub:
        assert found(hub, given) == []
        await hub.settled(5)
        assert found(hub, given) == ["10.97.0.1:8080"]
        assert hub.filled(given).sites[0].services["clicks"] == (static(1),)


async def test_a_cluster_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, certificates: Certificates
) -> None:
    """It is called stale and has no endpoints; nothing else waits for it."""
    given = topology(kubeconfig(tmp_path, certificates, 1))
    async with hub_of() as hub:
        hub.sync(given)
        await hub.settled(0.05)
        assert found(hub, given) == []
        gauges = {name: value for name, _, _, value in hub.gauges()}
        assert gauges["isthmus_router_discovery_stale"] == 1
        assert gauges["isthmus_router_discovery_endpoints"] == 0


async def test_a_new_topology_keeps_what_is_asked_for_in_the_same_way(
    tmp_path: Path, certificates: Certificates, api: ApiServerFake
) -> None:
    """The watch goes on; other networks are applied to what is known; what is not asked for ends."""
    api.put(slice_of("ads-1", endpoint("10.97.0.1"), endpoint("10.97.9.1")))
    path = kubeconfig(tmp_path, certificates, api.port)
    async with hub_of() as hub:
        first = topology(path)
        hub.sync(first)
        await hub.settled(5)
        assert len(found(hub, first)) == 2
        narrow = topology(path, "10.97.0.0/24")
        assert found(hub, narrow) == ["10.97.0.1:8080"]
        assert len(api.lists) == 1
        assert hub.tables.refused._counts == {("public", "ads", "outside"): 1}
        await until(lambda: len(api.watches) == 1)
        hub.sync(Topology(version="isthmus/v1", sites=(), digest="t"))
        await until(lambda: api.bookmark() or not api.watches)


async def test_preparing_for_a_swap_leaves_what_is_in_force_alone(
    tmp_path: Path, certificates: Certificates, api: ApiServerFake
) -> None:
    """Both the old service and the new one are watched until the swap, then the new one only."""
    api.put(slice_of("ads-1", endpoint("10.97.0.1")))
    path = kubeconfig(tmp_path, certificates, api.port)
    old = topology(path)
    service = KubernetesService(
        kubeconfig=f"file:{path}", namespace="shop", service="ads", port=8080
    )
    new = topology(path, ads=service)
    async with hub_of() as hub:
        hub.sync(old)
        await hub.settled(5)
        hub.prepare(new)
        await hub.settled(5)
        assert found(hub, old) == ["10.97.0.1:8080"]
        assert found(hub, new) == ["10.97.0.1:8080"]
        assert len(list(hub.gauges())) == 3


# ------------------------------------------------------------- in a router


def instance(cloud: Cloud, name: str, *, ready: bool = True, at: str = "") -> dict[str, object]:
    host, _, port = (at or cloud.services[name].address).rpartition(":")
    return slice_of(name, endpoint(host, ready=ready, pod=name), port=int(port))


@pytest.fixture
async def found_cloud(
    tmp_path: Path, certificates: Certificates, api: ApiServerFake
) -> AsyncIterator[Cloud]:
    """A cloud whose public ads are found in a cluster."""
    async with running_cloud(tmp_path) as cloud:
        for name in ("ads-1", "ads-2", "ads-3"):
            api.put(instance(cloud, name))
        path = kubeconfig(tmp_path, certificates, api.port)
        text = (tmp_path / "topology.yaml").read_text()
        listed = text[
            text.index("ads: {endpoints") : text.index("\n", text.index("ads: {endpoints"))
        ]
        in_cluster = f'ads: {{kubernetes: {{kubeconfig: "file:{path}", namespace: shop, service: ads, port: http}}}}'
        (tmp_path / "topology.yaml").write_text(text.replace(listed, in_cluster, 1))
        assert await cloud.worker.reload() == ""
        await until(lambda: len(api.watches) == 1)
        yield cloud


async def served(cloud: Cloud, requests: int = 24) -> Counter[str]:
    seen: Counter[str] = Counter()
    for _ in range(requests):
        async with cloud.client.get(cloud.url("/ads")) as answer:
            await answer.read()
            seen[answer.headers.get("Isthmus-Served-By", str(answer.status))] += 1
    return seen


def known(cloud: Cloud) -> set[str]:
    return {it.endpoint.node for it in cloud.worker._fleet if "ads" in it.services and it.guarded}


async def test_endpoints_come_and_go_without_a_swap(found_cloud: Cloud, api: ApiServerFake) -> None:
    """Unready is gone at once and its pool is retired; the others keep health and connections; no new generation."""
    cloud = found_cloud
    assert set(await served(cloud)) == {"public/ads-1", "public/ads-2", "public/ads-3"}
    before = {member.endpoint.node: member for member in cloud.worker._fleet}
    number = cloud.worker.current().number
    api.put(instance(cloud, "ads-1", ready=False))
    await until(lambda: known(cloud) == {"ads-2", "ads-3"})
    assert set(await served(cloud)) == {"public/ads-2", "public/ads-3"}
    assert before["ads-1"].pool._retired
    assert not before["ads-1"].pool._idle
    after = {member.endpoint.node: member for member in cloud.worker._fleet}
    assert all(after[name] is before[name] for name in ("ads-2", "ads-3", "orders-1"))
    api.put(instance(cloud, "ads-1"))
    await until(lambda: known(cloud) == {"ads-1", "ads-2", "ads-3"})
    assert "public/ads-1" in await served(cloud)
    assert cloud.worker.current().number == number
    assert len(cloud.worker._prober._tasks) == len(list(cloud.worker._fleet))


async def test_a_request_on_a_vanished_endpoint_is_finished(
    found_cloud: Cloud, api: ApiServerFake
) -> None:
    """Leaving the list sends nothing new there and cuts nothing that is under way."""
    cloud = found_cloud
    for name in ("ads-2", "ads-3"):
        api.delete(name)
    await until(lambda: known(cloud) == {"ads-1"})
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request, _body: bytes) -> web.StreamResponse:
        began.set()
        await may_end.wait()
        return web.Response(text="finished")

    cloud.services["ads-1"].answer = slow

    async def ask() -> str:
        async with cloud.client.get(cloud.url("/ads")) as answer:
            return await answer.text()

    # The private reserve would take over after an attempt's limit: it is not asked for here.
    asked = asyncio.ensure_future(ask())
    await began.wait()
    api.delete("ads-1")
    await until(lambda: known(cloud) == set())
    may_end.set()
    assert await asked == "finished"


async def test_an_address_of_another_site_is_refused_and_counted(
    found_cloud: Cloud, api: ApiServerFake
) -> None:
    """A public cluster that names a private address gets no traffic there, once counted while it stands."""
    cloud = found_cloud
    stray = cloud.services["profiles-1"].address
    api.put(instance(cloud, "stray", at=stray))
    await until(lambda: cloud.metric("isthmus_router_discovery_refused_total", why="outside") == 1)
    api.put(instance(cloud, "stray", at=stray))
    api.put(instance(cloud, "ads-2", ready=False))
    await until(lambda: "ads-2" not in known(cloud))
    assert cloud.metric("isthmus_router_discovery_refused_total", site="public", service="ads") == 1
    assert set(await served(cloud)) == {"public/ads-1", "public/ads-3"}
    assert cloud.services["profiles-1"].seen == []


async def test_an_api_server_that_is_down_changes_nothing_but_the_metric(
    found_cloud: Cloud, api: ApiServerFake
) -> None:
    """The last known endpoints serve on, the metric says that they are old, and that passes."""
    cloud = found_cloud
    assert cloud.metric("isthmus_router_discovery_stale", site="public") == 0
    assert cloud.metric("isthmus_router_discovery_endpoints", service="ads") == 3
    api.status = 503
    api.close_watches()
    await until(lambda: cloud.metric("isthmus_router_discovery_stale") == 1)
    assert set(await served(cloud)) == {"public/ads-1", "public/ads-2", "public/ads-3"}
    assert cloud.metric("isthmus_router_discovery_endings_total", how="unreachable") >= 1
    api.status = 0
    await until(lambda: cloud.metric("isthmus_router_discovery_stale") == 0)


async def test_a_service_without_endpoints_spills_only_into_the_reserve(
    found_cloud: Cloud, api: ApiServerFake
) -> None:
    """The private site stands in within its share; it does not become the first choice."""
    cloud = found_cloud
    for name in ("ads-1", "ads-2", "ads-3"):
        api.delete(name)
    await until(lambda: known(cloud) == set())
    egress = cloud.worker.current().egress(verdict(of=route("ads")))
    assert [(o.site, len(o.endpoints), o.reserve) for o in egress.outlets] == [
        ("public", 0, False),
        ("private", 1, True),
    ]
    assert set(await served(cloud, 3)) == {"private/ads-private"}


async def test_a_kubeconfig_that_cannot_be_used_rejects_the_topology(found_cloud: Cloud) -> None:
    """The old one stays in force, with the endpoints found for it."""
    cloud = found_cloud
    path = cloud.root / "topology.yaml"
    path.write_text(path.read_text().replace("/kubeconfig", "/none"))
    why = await cloud.worker.reload()
    assert "none: cannot be read" in why
    assert "fix:" in why
    assert set(await served(cloud)) == {"public/ads-1", "public/ads-2", "public/ads-3"}
