"""The project's stacks in the real engine against real API servers."""

import pytest

from contracts.cluster import ClusterState, NodePool
from tests.e2e.clusters import Clusters, clusters, spec_of
from tests.e2e.conftest import ROOT
from tests.e2e.stacks import Stacks, stacks

pytestmark = pytest.mark.clusters
__all__ = ["clusters", "stacks"]

IMAGE = f"registry.example/isthmus@sha256:{64 * '0'}"
FABRIC = {
    "image": IMAGE, "adReplicas": "2", "adReplicasMax": "4", "databasePassword": "hunter2",
    "ledgerDsn": "host=/run/pg dbname=ledger", "warehouseDsn": "host=/run/pg dbname=warehouse",
}  # fmt: skip


def pool(name: str, traffic_class="public") -> NodePool:
    return NodePool(name=name, nodes=2, runtime="kwok", traffic_class=traffic_class)


def given(stack: Stacks, part: str, state: ClusterState) -> None:
    """A stack whose cluster is there already."""
    stack.configure(
        part, driver="existing", kubeconfigFile=state.kubeconfig,
        clusterIdentifier=state.identifier, networks=f'["{state.pod_network}"]',
    )  # fmt: skip


def gateway(state: ClusterState) -> str:
    return state.pod_network.removesuffix("0.0/16") + "0.1"


def test_a_fabric_on_two_clusters_that_are_there(clusters: Clusters, stacks: Stacks) -> None:
    """Up, a second preview without changes, drift seen and healed, secrets hidden in the state, nothing left."""
    public = clusters.run("apply", spec_of("t1", "public", pool("ads"), pool("edge")))
    private = clusters.run(
        "apply", spec_of("t1", "private", pool("core", "sensitive"), pool("reserve"))
    )
    given(stacks, "public", public)
    given(stacks, "private", private)
    stacks.configure(
        "fabric", kafkaPublic=f'["{gateway(public)}:9092"]', kafkaPrivate=f'["{gateway(private)}:9092"]',
        **FABRIC,
    )  # fmt: skip
    for part in ("public", "private", "fabric"):
        stacks.up(part)
        assert stacks.changes(part) == {}
    running = clusters.kubectl(private, "get", "deploy", "-n", "isthmus", "-o", "name").split()
    assert len(running) == 6
    slices = clusters.kubectl(public, "get", "endpointslices", "-n", "isthmus", "-l", "kubernetes.io/service-name=ads", "-o", "jsonpath={.items[*].endpoints[*].addresses[0]}")  # fmt: skip
    assert len(slices.split()) == 2
    assert "hunter2" not in stacks.state("fabric")

    clusters.kubectl(public, "delete", "networkpolicy", "ads", "-n", "isthmus")
    stacks.refresh("fabric")
    assert stacks.changes("fabric") == {"create": 1}
    stacks.up("fabric")
    assert stacks.changes("fabric") == {}
    stacks.destroy()
    left = clusters.kubectl(
        public, "get", "namespace", "isthmus", "--ignore-not-found", "-o", "name"
    )
    assert left == ""


def test_a_cluster_from_nothing_by_its_stack(stacks: Stacks) -> None:
    """`adNodes` are the nodes in the pool, a refresh sees a deleted one, an up heals it, a destroy leaves nothing."""
    checkout = Clusters(ROOT)
    try:
        stacks.configure("public", driver="local", adRuntime="kwok", adNodes="3", edgeNodes="0")
        stacks.up("public")
        state = checkout.run("read", spec_of("t1", "public"))
        assert len(checkout.nodes(state, "ads")) == 3
        assert stacks.changes("public") == {}
        stacks.configure("public", adNodes="13")
        stacks.up("public")
        names = checkout.nodes(state, "ads")
        assert len(names) == 13
        checkout.kubectl(state, "delete", names[0])
        stacks.refresh("public")
        assert stacks.changes("public") == {"update": 1}
        stacks.up("public")
        assert len(checkout.nodes(state, "ads")) == 13
        assert stacks.changes("public") == {}
    finally:
        stacks.destroy()
    assert checkout.left("t1", "public") == []


def test_what_cannot_be_used_is_said_without_a_traceback(stacks: Stacks) -> None:
    """By the engine or by the program: the key, and from the program the fix; nothing is made."""
    stacks.configure("public", adNodes="many")
    stacks.configure("private", driver="existing", kubeconfig="hunter2")
    stacks.configure("edge")
    for part, said in (
        ("public", "configuration key 'adNodes' must be of type 'integer'"),
        ("private", "isthmus:clusterIdentifier: missing; expected a value with driver existing"),
        ("edge", "stack t1-edge: no such part; expected ENV-public"),
    ):
        done = stacks.run(part, "preview")
        assert done.returncode != 0
        assert said in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert "hunter2" not in done.stdout + done.stderr
