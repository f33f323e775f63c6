"""Nodes and pods as the API server writes them, and the node objects that are written; decoded strictly enough. Pure."""

import hashlib
import re
from collections.abc import Iterator

import msgspec

from contracts.cluster import NodePool, Runtime
from local.agent_parts import ApiStruct
from local.agent_quantity import millicores, whole
from local.clusters_kwok import KWOK_PORT, METRICS_PATH

POOL_LABEL = "isthmus.dev/pool"
RUNTIME_LABEL = "isthmus.dev/runtime"
CLASS_LABEL = "isthmus.dev/class"
SETTINGS_LABEL = "isthmus.dev/pool-settings"
"""A digest of everything a pool's nodes are made of: one that differs is replaced, as a real pool rolls."""
SCALED_LABEL = "isthmus.dev/scaled"
"""Nodes the pool scaler added; it takes them away again."""
_TAINT = re.compile(r"(?P<key>[^=:]+)(?:=(?P<value>[^:]*))?:(?P<effect>\w+)")


class Meta(ApiStruct, frozen=True, kw_only=True):
    """ObjectMeta."""

    name: str = ""
    namespace: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    creation_timestamp: str = ""
    deletion_timestamp: str = ""
    owner_references: "tuple[Owner, ...]" = ()


class Owner(ApiStruct, frozen=True, kw_only=True):
    """Who made an object."""

    kind: str = ""


class Condition(ApiStruct, frozen=True, kw_only=True):
    """A condition of a node or pod."""

    type: str
    status: str
    reason: str = ""


class Taint(ApiStruct, frozen=True, kw_only=True):
    """What a pod must tolerate."""

    key: str
    effect: str
    value: str = ""


class NodeSpec(ApiStruct, frozen=True, kw_only=True):
    """A node's wishes."""

    pod_cidr: str = msgspec.field(name="podCIDR", default="")
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False


class NodeStatus(ApiStruct, frozen=True, kw_only=True):
    """A node's state."""

    conditions: tuple[Condition, ...] = ()


class Node(ApiStruct, frozen=True, kw_only=True):
    """A node."""

    metadata: Meta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def pool(self) -> str:
        """Its pool; empty: not one of ours."""
        return self.metadata.labels.get(POOL_LABEL, "")

    @property
    def is_ready(self) -> bool:
        """Whether it says so."""
        return any((it.type, it.status) == ("Ready", "True") for it in self.status.conditions)


class Toleration(ApiStruct, frozen=True, kw_only=True):
    """A taint that does not keep a pod away."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def covers(self, taint: Taint) -> bool:
        """As the scheduler decides it."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.operator == "Exists":
            return self.key in {"", taint.key}
        return (self.key, self.value) == (taint.key, taint.value)


class Resources(ApiStruct, frozen=True, kw_only=True):
    """What a container asks for."""

    requests: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class Container(ApiStruct, frozen=True, kw_only=True):
    """A container."""

    resources: Resources = Resources()


class PodSpec(ApiStruct, frozen=True, kw_only=True):
    """A pod's wishes."""

    node_name: str = ""
    node_selector: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    tolerations: tuple[Toleration, ...] = ()
    containers: tuple[Container, ...] = ()


class PodStatus(ApiStruct, frozen=True, kw_only=True):
    """A pod's state."""

    phase: str = ""
    conditions: tuple[Condition, ...] = ()


class Pod(ApiStruct, frozen=True, kw_only=True):
    """A pod."""

    metadata: Meta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def is_over(self) -> bool:
        """Whether it has ended for good."""
        return self.status.phase in {"Succeeded", "Failed"}

    @property
    def is_daemon(self) -> bool:
        """Whether it is one of a DaemonSet: it keeps no node busy and is not waited for."""
        return any(it.kind == "DaemonSet" for it in self.metadata.owner_references)

    @property
    def is_unschedulable(self) -> bool:
        """Whether the scheduler looked and found no node."""
        return not self.spec.node_name and any(
            (it.type, it.status, it.reason) == ("PodScheduled", "False", "Unschedulable")
            for it in self.status.conditions
        )

    @property
    def cpu_millicores(self) -> int:
        """Asked for by all containers."""
        return sum(millicores(it.resources.requests.get("cpu", "0")) for it in self.spec.containers)

    @property
    def memory_bytes(self) -> int:
        """Asked for by all containers."""
        return sum(whole(it.resources.requests.get("memory", "0")) for it in self.spec.containers)


class NodeList(ApiStruct, frozen=True, kw_only=True):
    """An answer."""

    items: tuple[Node, ...] = ()


class PodList(ApiStruct, frozen=True, kw_only=True):
    """An answer."""

    items: tuple[Pod, ...] = ()


def settings_digest(pool: NodePool) -> str:
    """Changes with whatever a node of the pool is made of, not with how many there are."""
    made_of = msgspec.structs.replace(pool, nodes=0, nodes_max=0)
    return hashlib.sha256(msgspec.json.encode(made_of)).hexdigest()[:12]


def taints_of(pool: NodePool) -> Iterator[Taint]:
    """The pool's taints."""
    for text in pool.taints:
        found = _TAINT.fullmatch(text)
        if found:
            yield Taint(key=found["key"], value=found["value"] or "", effect=found["effect"])


def pool_labels(pool: NodePool, *, scaled: bool) -> dict[str, str]:
    """The labels that tell which kind of node it is."""
    runtime: Runtime = pool.runtime
    labels = {
        POOL_LABEL: pool.name,
        RUNTIME_LABEL: runtime,
        CLASS_LABEL: pool.traffic_class,
        SETTINGS_LABEL: settings_digest(pool),
    }
    return labels | ({SCALED_LABEL: "true"} if scaled else {})


def kwok_node(name: str, pool: NodePool, *, subnet: str, address: str, scaled: bool) -> object:
    """The object that makes a fake node; its controller fills in what a kubelet would say."""
    capacity = {
        "cpu": f"{pool.cpu_millicores}m",
        "memory": f"{pool.memory_mib}Mi",
        "pods": str(pool.pods_max),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                **pool_labels(pool, scaled=scaled),
            },
            "annotations": {
                "kwok.x-k8s.io/node": "fake",
                "metrics.k8s.io/resource-metrics-path": METRICS_PATH.format(node=name),
            },
        },
        "spec": {
            "podCIDR": subnet,
            "podCIDRs": [subnet],
            "taints": [msgspec.to_builtins(taint) for taint in taints_of(pool)],
        },
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": KWOK_PORT}},
            "allocatable": capacity,
            "capacity": capacity,
        },
    }
