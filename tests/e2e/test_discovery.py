"""The router's discovery against a real API server: endpoints come, go, survive its death, and are refused elsewhere."""

import asyncio
import contextlib
import ipaddress
import json
import random
import signal
from collections.abc import AsyncGenerator, Callable, Iterator

import pytest

from contracts.cluster import ClusterSpec, ClusterState
from local.clusters_control import control_processes
from local.clusters_ground import GroundError, require
from local.clusters_state import ClusterFiles
from policy.topology import KubernetesService, Site, Topology
from router.discovery_hub import Hub
from router.discovery_watch import Timing
from runtime.processes import end_processes, marked_processes
from tests.e2e.clusters import ADS, ROOT, Clusters, spec_of

pytestmark = pytest.mark.clusters
SPEC: ClusterSpec = spec_of("disc", "public", ADS)
LABELS = {"app": "ads", "isthmus.dev/class": "public"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Clusters, ClusterState]]:
    """Gone after the tests, with nothing left."""
    try:
        require(SPEC, ROOT)
    except GroundError as error:
        pytest.skip(str(error))
    clusters = Clusters(tmp_path_factory.mktemp("discovery"))
    try:
        state = clusters.run("apply", SPEC)
        clusters.kubectl(state, "create", "namespace", "shop")
        clusters.kubectl(state, "apply", "-f", "-", text=json.dumps(workload()))
        yield clusters, state
    finally:
        clusters.run("delete", SPEC)
        assert clusters.left("disc", "public") == []


def workload() -> dict[str, object]:
    """Three pods and their Service."""
    meta = {"name": "ads", "namespace": "shop", "labels": LABELS}
    port = {"name": "http", "containerPort": 8080}
    pod = {"containers": [{"name": "main", "image": "ads", "ports": [port]}]}
    return {
        "apiVersion": "v1", "kind": "List",
        "items": [
            {
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
                "spec": {
                    "replicas": 3, "selector": {"matchLabels": {"app": "ads"}},
                    "template": {"metadata": {"labels": LABELS}, "spec": pod},
                },
            },
            {
                "apiVersion": "v1", "kind": "Service", "metadata": meta,
                "spec": {
                    "clusterIP": "None", "selector": {"app": "ads"},
                    "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
                },
            },
        ],
    }  # fmt: skip


class Followed:
    """A hub and what it finds now."""

    def __init__(self, hub: Hub, topology: Topology) -> None:
        self.hub, self.topology = hub, topology
        self.changes = 0
        hub.on_change = self._changed

    def _changed(self) -> None:
        self.changes += 1

    def nodes(self) -> set[str]:
        return {it.node for it in self.hub.filled(self.topology).sites[0].services["ads"]}

    def gauge(self, name: str) -> float:
        return next(value for it, _, _, value in self.hub.gauges() if it.endswith(name))


@contextlib.asynccontextmanager
async def followed(state: ClusterState, network: str = "0.0.0.0/0") -> AsyncGenerator[Followed]:
    service = KubernetesService(
        kubeconfig=f"file:{state.kubeconfig}", namespace="shop", service="ads", port="http"
    )
    site = Site(
        name="public", networks=(ipaddress.ip_network(network),), services={"ads": ()}, reserve={},
        kubernetes={"ads": service},
    )  # fmt: skip
    hub = Hub(clock=asyncio.get_running_loop().time, rng=random.Random(1), timing=Timing(watch_s=3))
    topology = Topology(version="isthmus/v1", sites=(site,), digest="t")
    hub.sync(topology)
    try:
        yield Followed(hub, topology)
    finally:
        await hub.close()


async def until(condition: Callable[[], bool], *, within_s: float = 30) -> None:
    async with asyncio.timeout(within_s):
        # what changes is in another process: nothing here could set an event
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_endpoints_follow_the_pods(cluster: tuple[Clusters, ClusterState]) -> None:
    """Three, five, two, none and three again, over watches that the API server ends every 3 s; nothing is listed twice."""
    clusters, state = cluster
    async with followed(state) as seen:
        await until(lambda: len(seen.nodes()) == 3)
        for replicas in (5, 2, 0, 3):
            await asyncio.to_thread(
                clusters.kubectl, state, "-n", "shop", "scale", "deployment", "ads", f"--replicas={replicas}"
            )  # fmt: skip
            await until(lambda: len(seen.nodes()) == replicas)  # noqa: B023 - asked before it changes
        pods = await asyncio.to_thread(
            clusters.kubectl, state, "-n", "shop", "get", "pods", "-l", "app=ads", "-o", "name"
        )
        assert {name.removeprefix("pod/") for name in pods.split()} == seen.nodes()
        await until(lambda: ("public", "ads", "closed") in seen.hub.tables.endings._counts)
        assert seen.gauge("_stale") == 0
        assert {key[2] for key in seen.hub.tables.endings._counts} == {"closed"}


async def test_addresses_outside_the_site_are_refused(
    cluster: tuple[Clusters, ClusterState],
) -> None:
    """A cluster whose pods have addresses that the topology does not give its site is not believed."""
    _, state = cluster
    async with followed(state, "192.0.2.0/24") as seen:
        await until(
            lambda: seen.hub.tables.refused._counts.get(("public", "ads", "outside"), 0) >= 3
        )
        assert seen.nodes() == set()


async def test_a_dead_api_server_leaves_the_endpoints_and_is_followed_when_it_is_back(
    cluster: tuple[Clusters, ClusterState],
) -> None:
    """All of the control plane is killed: stale, and all three still used; started again: current without a restart."""
    clusters, state = cluster
    async with followed(state) as seen:
        await until(lambda: len(seen.nodes()) == 3)
        before = seen.nodes()
        mark = ClusterFiles(clusters.root, "disc", "public").mark
        await asyncio.to_thread(
            end_processes, control_processes(marked_processes(mark)), signum=signal.SIGKILL, grace_s=10
        )  # fmt: skip
        await until(lambda: seen.gauge("_stale") == 1)
        assert seen.nodes() == before
        assert await asyncio.to_thread(clusters.run, "apply", SPEC) == state
        await until(lambda: seen.gauge("_stale") == 0)
        await asyncio.to_thread(
            clusters.kubectl, state, "-n", "shop", "scale", "deployment", "ads", "--replicas=4"
        )
        await until(lambda: len(seen.nodes()) == 4)
        assert before <= seen.nodes()
