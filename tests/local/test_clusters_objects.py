"""Nodes and pods read as the API server writes them, and node objects as it accepts them."""

import msgspec
import pytest

from contracts.cluster import NodePool
from local.clusters_objects import (
    Condition,
    Meta,
    Node,
    NodeList,
    NodeStatus,
    Owner,
    Pod,
    PodList,
    PodStatus,
    Taint,
    Toleration,
    kwok_node,
    pool_labels,
    settings_digest,
    taints_of,
)

POOL = NodePool(
    name="ads", nodes=3, runtime="kwok", traffic_class="public",
    taints=("spot=true:NoSchedule", "bare:NoExecute"),
)  # fmt: skip


def test_a_written_node_reads_back_with_its_pool_and_network() -> None:
    """What is sent is what the plan reads."""
    node = kwok_node("ads-1", POOL, subnet="10.97.1.0/24", address="10.96.0.2", scaled=True)
    read = msgspec.json.decode(msgspec.json.encode({"items": [node]}), type=NodeList).items[0]
    assert (read.metadata.name, read.pool, read.spec.pod_cidr) == ("ads-1", "ads", "10.97.1.0/24")
    assert read.metadata.labels == pool_labels(POOL, scaled=True) | {
        "kubernetes.io/hostname": "ads-1", "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
    }  # fmt: skip
    assert not read.is_ready
    assert read.spec.taints == (
        Taint(key="spot", value="true", effect="NoSchedule"), Taint(key="bare", effect="NoExecute"),
    )  # fmt: skip


def test_a_node_is_ready_only_when_it_says_so() -> None:
    """Unknown, as a silent node becomes, is not ready."""
    for status, ready in (("True", True), ("False", False), ("Unknown", False)):
        conditions = (Condition(type="Ready", status=status),)
        node = Node(metadata=Meta(name="n"), status=NodeStatus(conditions=conditions))
        assert node.is_ready == ready


def test_the_digest_follows_what_nodes_are_made_of() -> None:
    """Counting nodes replaces none of them; anything else does."""
    same = msgspec.structs.replace(POOL, nodes=13, nodes_max=20)
    assert settings_digest(same) == settings_digest(POOL)
    changes = ({"cpu_millicores": 1}, {"taints": ()}, {"traffic_class": "sensitive"},
               {"runtime": "process"}, {"memory_mib": 1}, {"pods_max": 1})  # fmt: skip
    digests = {settings_digest(msgspec.structs.replace(POOL, **change)) for change in changes}
    assert len(digests | {settings_digest(POOL)}) == len(changes) + 1


@pytest.mark.parametrize(
    ("toleration", "covers"),
    [
        (Toleration(key="spot", value="true"), True),
        (Toleration(key="spot", value="true", effect="NoSchedule"), True),
        (Toleration(key="spot", value="true", effect="NoExecute"), False),
        (Toleration(key="spot", value="false"), False),
        (Toleration(key="spot", operator="Exists"), True),
        (Toleration(operator="Exists"), True),
        (Toleration(key="other", operator="Exists"), False),
    ],
)
def test_a_toleration_covers_as_the_scheduler_says(toleration: Toleration, *, covers: bool) -> None:
    """Key, value, operator and effect decide."""
    assert toleration.covers(next(taints_of(POOL))) == covers


def test_requests_of_all_containers_add_up() -> None:
    """CPU in millicores, memory in bytes; one without requests asks for nothing."""
    text = (
        b'{"items":[{"metadata":{"name":"p","uid":"u"},"spec":{"containers":['
        b'{"name":"a","resources":{"requests":{"cpu":"250m","memory":"64Mi"}}},'
        b'{"name":"b","resources":{"requests":{"cpu":"1"}}},{"name":"c"}]}}]}'
    )
    pod = msgspec.json.decode(text, type=PodList).items[0]
    assert (pod.cpu_millicores, pod.memory_bytes) == (1250, 64 << 20)


def test_only_a_pod_the_scheduler_gave_up_on_wants_a_node() -> None:
    """One nobody looked at yet, or that has a node, does not."""
    none = Condition(type="PodScheduled", status="False", reason="Unschedulable")
    gated = Condition(type="PodScheduled", status="False", reason="SchedulingGated")
    for conditions, wants in (((none,), True), ((gated,), False), ((), False)):
        pod = Pod(metadata=Meta(name="p"), status=PodStatus(conditions=conditions))
        assert pod.is_unschedulable == wants


def test_pods_that_are_over_or_of_a_daemon_keep_nothing_busy() -> None:
    """As a drain sees them."""
    assert Pod(metadata=Meta(), status=PodStatus(phase="Failed")).is_over
    assert not Pod(metadata=Meta(), status=PodStatus(phase="Running")).is_over
    assert Pod(metadata=Meta(owner_references=(Owner(kind="DaemonSet"),))).is_daemon
