"""The scaler's look at a cluster: what it sees, what it does, and that it ends with the cluster."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.cluster import ClusterSpec, NodePool
from local import clusters_scaler
from local.clusters_api import ApiError
from local.clusters_block import Block
from local.clusters_nodes import Nodes
from local.clusters_objects import (
    POOL_LABEL,
    SCALED_LABEL,
    Condition,
    Meta,
    Node,
    NodeStatus,
    Owner,
    Pod,
    PodSpec,
)
from local.clusters_scaler import COMING_S, DELAY_S, Scaler, run, views
from local.clusters_scaling import IDLE_S
from local.clusters_state import ClusterFiles, Record
from tests.local.test_clusters_nodes import Server

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
POOL = NodePool(name="ads", nodes=1, runtime="kwok", traffic_class="public", nodes_max=3)
SPEC = ClusterSpec(environment="dev", site="public", pools=(POOL,))


def node(name: str, *, ready: bool = True, age_s: float = 3600, scaled: bool = False) -> Node:
    labels = {POOL_LABEL: "ads"} | ({SCALED_LABEL: "true"} if scaled else {})
    made = (NOW - timedelta(seconds=age_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = (Condition(type="Ready", status="True" if ready else "Unknown"),)
    return Node(
        metadata=Meta(name=name, labels=labels, creation_timestamp=made),
        status=NodeStatus(conditions=conditions),
    )


def pod(node_name: str, *, daemon: bool = False) -> Pod:
    owners = (Owner(kind="DaemonSet"),) if daemon else ()
    return Pod(metadata=Meta(owner_references=owners), spec=PodSpec(node_name=node_name))


def test_a_pool_is_seen_with_its_added_nodes_and_their_pods() -> None:
    """A daemon's pod keeps no node busy, and nodes that were asked for are not listed as added."""
    nodes = [node("ads-1"), node("ads-2", scaled=True), node("ads-3", scaled=True)]
    pods = [pod("ads-1"), pod("ads-2"), pod("ads-3", daemon=True), pod("")]
    (seen,) = views([POOL], nodes, pods, now=NOW)
    assert (seen.nodes, seen.coming, seen.added) == (3, 0, {"ads-2": 1, "ads-3": 0})


@pytest.mark.parametrize(
    ("age_s", "ready", "coming"), [(5, False, 1), (5, True, 0), (COMING_S + 1, False, 0)]
)
def test_only_a_young_node_is_coming(age_s: float, coming: int, *, ready: bool) -> None:
    """One silent for long has died; it is no reason to wait."""
    (seen,) = views([POOL], [node("a", ready=ready, age_s=age_s)], [], now=NOW)
    assert seen.coming == coming


class Cluster(Server):
    """With a pod that finds no place until a second node is there."""

    def pending(self) -> None:
        self.pods["p"] = {
            "metadata": {"name": "p", "namespace": "default"},
            "spec": {"nodeSelector": {POOL_LABEL: "ads"}},
            "status": {
                "phase": "Pending",
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
                ],
            },
        }


@pytest.fixture
def files(tmp_path: Path) -> ClusterFiles:
    found = ClusterFiles(tmp_path, "dev", "public")
    found.make()
    found.write_block(Block(base=96, id="1a2b"))
    found.write_record(Record(identifier="i", spec=SPEC, formed=True, slot=1))
    return found


def test_a_pending_pod_gets_a_node_that_goes_again_when_idle(
    files: ClusterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes after the drawn delay, has a network of its own and the scaler's mark, and is taken back."""
    monkeypatch.setattr(clusters_scaler, "groups", lambda: None)
    server = Cluster()
    Nodes(server, None, block=Block(base=96, id="1a2b"), site="public").reconcile(SPEC, slot=0)
    scaler, record = Scaler(files, random.Random(7)), files.read_record()
    assert record
    server.pending()
    scaler.look(record, server, now_s=0)
    scaler.look(record, server, now_s=DELAY_S[0] - 0.1)
    assert set(server.nodes) == {"ads-1"}
    scaler.look(record, server, now_s=DELAY_S[1])
    assert set(server.nodes) == {"ads-1", "ads-2"}
    assert server.nodes["ads-2"]["metadata"]["labels"][SCALED_LABEL] == "true"
    assert server.nodes["ads-2"]["spec"]["podCIDR"] == "10.97.2.0/24"
    server.pods.clear()
    scaler.look(record, server, now_s=20)
    scaler.look(record, server, now_s=20 + IDLE_S)
    assert set(server.nodes) == {"ads-1"}


def test_it_waits_its_turn(files: ClusterFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an apply holds the cluster nothing is done, and the due order is not forgotten."""
    monkeypatch.setattr(clusters_scaler, "groups", lambda: None)
    monkeypatch.setattr(clusters_scaler, "LOCK_S", 0.0)
    server = Cluster()
    server.pending()
    scaler, record = Scaler(files, random.Random(7)), files.read_record()
    assert record
    scaler.look(record, server, now_s=0)
    with files.site_lock(), pytest.raises(clusters_scaler.LockHeldError):
        scaler.look(record, server, now_s=DELAY_S[1])
    assert server.nodes == {}
    scaler.look(record, server, now_s=DELAY_S[1])
    assert set(server.nodes) == {"ads-1"}


def test_it_ends_with_the_cluster_and_when_nothing_is_scaled(
    files: ClusterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unreachable API server is waited for; a cluster that is gone is not."""
    looks: list[float] = []

    def refuse(*_: object, **__: object) -> None:
        looks.append(0)
        if len(looks) == 2:
            files.remove()
        raise ApiError("refused", status=0)

    monkeypatch.setattr(clusters_scaler, "Api", refuse)
    monkeypatch.setattr(clusters_scaler, "LOOK_S", 0)
    run(files)
    assert len(looks) == 2
    files.make()
    still = NodePool(name="ads", nodes=1, runtime="kwok", traffic_class="public")
    unscaled = ClusterSpec(environment="dev", site="public", pools=(still,))
    files.write_record(Record(identifier="i", spec=unscaled, formed=True))
    run(files)
    assert len(looks) == 2
