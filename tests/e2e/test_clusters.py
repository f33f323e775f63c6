"""Real clusters: from nothing to Ready, up, down, broken, repaired, and gone without a trace."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from contracts.cluster import NodePool
from local.agent_cgroup import kill_node
from local.clusters_control import PROGRAMS, control_processes
from local.clusters_ground import groups
from local.clusters_network import inside, namespaces
from local.clusters_state import ClusterFiles
from runtime.processes import end_processes, marked_processes
from tests.e2e.clusters import ADS, Clusters, clusters, spec_of

__all__ = ["clusters"]
pytestmark = pytest.mark.clusters
READY_GOAL_S = 30.0
"""Five seconds on two idle cores; what is judged here is that it is not minutes."""


def eventually(condition: Callable[[], bool], *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.2)


def sized(nodes: int, **changes: object) -> NodePool:
    return msgspec.structs.replace(ADS, nodes=nodes, **changes)


def test_three_nodes_thirteen_and_three_again(clusters: Clusters) -> None:
    """From nothing to Ready; kubectl shows what was asked for at each step; the same cluster all along."""
    begun_s = time.monotonic()
    first = clusters.run("apply", spec_of("e2e", "public", ADS))
    assert time.monotonic() - begun_s < READY_GOAL_S
    assert first.ready
    assert first.nodes == {"ads": 3}
    before = clusters.nodes(first, "ads")
    grown = clusters.run("apply", spec_of("e2e", "public", sized(13)))
    assert len(clusters.nodes(grown, "ads")) == grown.nodes["ads"] == 13
    shrunk = clusters.run("apply", spec_of("e2e", "public", ADS))
    assert clusters.nodes(shrunk, "ads") == before
    assert shrunk == first
    mark = ClusterFiles(clusters.root, "e2e", "public").mark
    running = control_processes(marked_processes(mark))
    assert len(running) == len(PROGRAMS)
    assert clusters.run("apply", spec_of("e2e", "public", ADS)) == first
    assert control_processes(marked_processes(mark)) == running
    clusters.run("delete", spec_of("e2e", "public", ADS))
    assert clusters.left("e2e", "public") == []


def test_a_deleted_node_is_seen_and_made_again(clusters: Clusters) -> None:
    """`read` tells the drift and changes nothing; `apply` heals it."""
    spec = spec_of("e2e", "public", ADS)
    state = clusters.run("apply", spec)
    clusters.kubectl(state, "delete", "node", "ads-2")
    assert clusters.run("read", spec).nodes == {"ads": 2}
    assert len(clusters.nodes(state, "ads")) == 2
    assert clusters.run("apply", spec).nodes == {"ads": 3}


def test_a_control_plane_that_died_comes_back_with_its_data(clusters: Clusters) -> None:
    """Every program of it killed: the next apply starts them, nodes and identity are what they were."""
    spec = spec_of("e2e", "private", ADS)
    state = clusters.run("apply", spec)
    nodes = clusters.nodes(state, "ads")
    mark = ClusterFiles(clusters.root, "e2e", "private").mark
    end_processes(control_processes(marked_processes(mark)), signum=signal.SIGKILL, grace_s=10)
    assert not clusters.run("read", spec).ready
    assert clusters.run("apply", spec) == state
    assert clusters.nodes(state, "ads") == nodes


@pytest.mark.parametrize("after_s", [0.6, 0.9, 1.5, 2.5, 4.0])
def test_an_apply_killed_at_any_moment_is_completed_or_taken_away(
    clusters: Clusters, after_s: float
) -> None:
    """The next apply ends Ready with one cluster; the next delete of another one leaves nothing."""
    kept, gone = spec_of("e2e", "public", ADS), spec_of("e2e", "private", ADS)
    clusters.killed("apply", kept, after_s=after_s)
    assert clusters.run("apply", kept).nodes == {"ads": 3}
    clusters.killed("apply", gone, after_s=after_s)
    clusters.run("delete", gone)
    assert clusters.left("e2e", "private") == []
    assert clusters.run("read", kept).ready
    clusters.killed("delete", kept, after_s=after_s / 4)
    clusters.run("delete", kept)
    assert clusters.left("e2e", "public") == []


def test_two_environments_and_two_sites_stand_side_by_side(clusters: Clusters) -> None:
    """Disjoint addresses, one site link per environment, and the private API server closed to it."""
    one = {
        site: clusters.run("apply", spec_of("one", site, sized(1)))
        for site in ("public", "private")
    }
    two = clusters.run("apply", spec_of("two", "public", sized(2)))
    assert len({it.pod_network for it in (*one.values(), two)}) == 3
    assert one["public"].peer_pod_network == one["private"].pod_network
    public, private = one["public"].namespace, one["private"].namespace
    assert reaches(private, gateway(one["public"].pod_network))
    assert not reaches(public, gateway(one["private"].pod_network))
    assert not reaches(public, link_end(one["private"].peer_pod_network))
    assert not reaches(two.namespace, gateway(one["public"].pod_network))
    clusters.run("delete", spec_of("one", "public", sized(1)))
    assert clusters.run("read", spec_of("one", "private", sized(1))) == one["private"]
    assert clusters.run("read", spec_of("two", "public", sized(2))) == two
    back = clusters.run("apply", spec_of("one", "public", sized(1)))
    assert reaches(private, gateway(back.pod_network))


def gateway(network: str) -> str:
    return network.replace(".0.0/16", ".0.1")


def link_end(public_pods: str) -> str:
    """The private site's end of the site link."""
    base = int(public_pods.split(".")[1]) - 1
    return f"10.{base}.1.2"


def reaches(namespace: str, address: str) -> bool:
    """Whether the API server's port at `address` answers from inside `namespace`."""
    code = f"import socket; socket.create_connection(({address!r}, 6443), 1.5)"
    done = subprocess.run(
        inside(namespace, sys.executable, "-c", code), check=False, capture_output=True, timeout=20
    )
    return done.returncode == 0


def test_controllers_and_stores_are_reached_from_nowhere(clusters: Clusters) -> None:
    """On every address but loopback only the API server and the fake nodes' controller listen."""
    state = clusters.run("apply", spec_of("e2e", "public", ADS, metrics=True))
    told = subprocess.run(
        inside(state.namespace, "cat", "/proc/net/tcp", "/proc/net/tcp6"),
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    rows = [line.split() for line in told.splitlines() if ":" in line and "address" not in line]
    listening = {row[1] for row in rows if row[3] == "0A"}
    outside = {int(it.split(":")[1], 16) for it in listening if not it.startswith("0100007F:")}
    assert outside == {6443, 10247}


REAL = """
apiVersion: v1
kind: Pod
metadata: {name: real, labels: {isthmus.dev/class: public}}
spec:
  nodeSelector: {isthmus.dev/pool: work}
  containers: [{name: c, image: isthmus.local/process, command: [sleep, "1000"]}]
"""


def test_process_nodes_run_pods_die_and_come_back(clusters: Clusters) -> None:
    """Fake and process nodes stand together; a killed agent is started again under its name; all of it goes."""
    work = sized(2, name="work", runtime="process")
    spec = spec_of("e2e", "public", sized(1), work)
    state = clusters.run("apply", spec)
    assert state.nodes == {"ads": 1, "work": 2}
    clusters.kubectl(state, "apply", "-f", "-", text=REAL)

    def running() -> str:
        where = "jsonpath={.status.phase} {.status.podIP} {.spec.nodeName}"
        return clusters.kubectl(state, "get", "pod", "real", "-o", where)

    eventually(lambda: running().startswith("Running "), within_s=30)
    _, address, node = running().split()
    assert address.startswith(state.pod_network.removesuffix("0.0/16"))
    identity = state.namespace.removesuffix("-pub")
    hierarchies = groups()
    assert hierarchies
    assert kill_node(hierarchies, f"{identity.replace('is', 'isthmus-', 1)}/public/{node}")
    eventually(lambda: clusters.run("read", spec).nodes == {"ads": 1, "work": 1}, within_s=30)
    assert clusters.run("apply", spec).nodes == {"ads": 1, "work": 2}
    clusters.run("apply", spec_of("e2e", "public", sized(1)))
    assert namespaces(f"{identity}-[0-9a-f]{{8}}") == ()


BUSY = """
apiVersion: v1
kind: Pod
metadata: {name: busy, annotations: {kwok.x-k8s.io/usage-cpu: 250m}}
spec:
  nodeSelector: {isthmus.dev/pool: ads}
  containers: [{name: c, image: none}]
"""


def test_fake_pods_use_what_their_annotations_say(clusters: Clusters) -> None:
    """`kubectl top` answers through the aggregated API, for the pod and for its node."""
    state = clusters.run("apply", spec_of("e2e", "public", ADS, metrics=True))
    clusters.kubectl(state, "apply", "-f", "-", text=BUSY)

    def told(*words: str) -> str:
        try:
            return clusters.kubectl(state, "top", *words, "--no-headers")
        except AssertionError:
            return ""

    eventually(lambda: "250m" in told("pods"), within_s=90)
    assert "ads-" in told("nodes")


POD = """
apiVersion: v1
kind: Pod
metadata: {name: waiting}
spec:
  nodeSelector: {isthmus.dev/pool: ads}
  containers: [{name: c, image: none, resources: {requests: {cpu: "3"}}}]
---
apiVersion: v1
kind: Pod
metadata: {name: first}
spec:
  nodeSelector: {isthmus.dev/pool: ads}
  containers: [{name: c, image: none, resources: {requests: {cpu: "3"}}}]
"""


def test_a_pending_pod_gets_a_node(clusters: Clusters) -> None:
    """Two pods that do not fit on one node both run in the end, and no third node comes."""
    state = clusters.run("apply", spec_of("e2e", "public", sized(1, nodes_max=3)))
    clusters.kubectl(state, "apply", "-f", "-", text=POD)

    def both_run() -> bool:
        phases = clusters.kubectl(state, "get", "pods", "-o", "jsonpath={.items[*].status.phase}")
        return phases.split() == ["Running", "Running"]

    eventually(both_run, within_s=60)
    assert len(clusters.nodes(state, "ads")) == 2
    clusters.kubectl(state, "delete", "pod", "waiting", "first", "--wait=false")
    shrunk = clusters.run("apply", spec_of("e2e", "public", sized(1)))
    assert clusters.nodes(shrunk, "ads") == ["node/ads-1"]


def test_prometheus_stands_beside_the_cluster(clusters: Clusters) -> None:
    """It answers at the management address and scrapes the API server."""
    state = clusters.run("apply", spec_of("e2e", "public", ADS, prometheus=True))
    address = state.endpoint.removeprefix("https://").partition(":")[0]
    code = (
        "import urllib.request as u; "
        f"print(u.urlopen('http://{address}:9090/api/v1/query?query=up', timeout=2).read().decode())"
    )

    def scraped() -> bool:
        done = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=20
        )
        return '"kube-apiserver"' in done.stdout and '"1"' in done.stdout

    eventually(scraped, within_s=60)
    assert Path(state.kubeconfig).with_name("prometheus").is_dir()
