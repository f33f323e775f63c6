"""The Node and Lease objects a process node registers and renews. Pure."""

from datetime import UTC, datetime

import msgspec

from local.agent_objects import Condition, Meta
from local.agent_parts import ApiStruct
from local.agent_settings import IMAGE, AgentSettings, node_address
from local.agent_status import timestamp

VERSION = "v1.37.2-isthmus"
"""A kubelet's version must be within three minors of the API server's."""
LABEL = "isthmus.dev"


class Taint(ApiStruct, frozen=True, kw_only=True):
    """Taint."""

    key: str
    value: str = ""
    effect: str


class NodeSpec(ApiStruct, frozen=True, kw_only=True):
    """NodeSpec."""

    taints: tuple[Taint, ...] = ()


class NodeAddress(ApiStruct, frozen=True, kw_only=True):
    """NodeAddress."""

    type: str
    address: str


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """DaemonEndpoint; its one field has a capital in the API."""

    port: int


class DaemonEndpoints(ApiStruct, frozen=True, kw_only=True):
    """NodeDaemonEndpoints."""

    kubelet_endpoint: Endpoint


class SystemInfo(ApiStruct, frozen=True, kw_only=True):
    """NodeSystemInfo; every field is required by the API."""

    machine_id: str = msgspec.field(name="machineID")
    system_uuid: str = msgspec.field(name="systemUUID")
    boot_id: str = msgspec.field(name="bootID")
    kernel_version: str
    os_image: str
    container_runtime_version: str = "isthmus://1"
    kubelet_version: str = VERSION
    kube_proxy_version: str = ""
    operating_system: str = "linux"
    architecture: str


class Image(ApiStruct, frozen=True, kw_only=True):
    """ContainerImage."""

    names: tuple[str, ...]
    size_bytes: int = 0


class NodeStatus(ApiStruct, frozen=True, kw_only=True):
    """NodeStatus."""

    capacity: dict[str, str]
    allocatable: dict[str, str]
    conditions: tuple[Condition, ...]
    addresses: tuple[NodeAddress, ...]
    daemon_endpoints: DaemonEndpoints
    node_info: SystemInfo
    images: tuple[Image, ...]


class NodeMeta(ApiStruct, frozen=True, kw_only=True):
    """What we write of a Node's metadata."""

    name: str
    labels: dict[str, str]


class NewNode(ApiStruct, frozen=True, kw_only=True):
    """A Node as registered."""

    api_version: str = "v1"
    kind: str = "Node"
    metadata: NodeMeta
    spec: NodeSpec
    status: NodeStatus


class ObservedNodeStatus(ApiStruct, frozen=True, kw_only=True):
    """What we read of a Node's status."""

    conditions: tuple[Condition, ...] = ()


class Node(ApiStruct, frozen=True, kw_only=True):
    """What we read of a Node."""

    metadata: Meta
    status: ObservedNodeStatus = ObservedNodeStatus()


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of the machine."""

    machine_id: str
    boot_id: str
    kernel: str
    os_image: str
    architecture: str


def node_labels(settings: AgentSettings) -> dict[str, str]:
    """The pool's three labels, the usual ones, and those asked for."""
    return {
        "kubernetes.io/hostname": settings.name,
        "kubernetes.io/os": "linux",
        **settings.labels,
        f"{LABEL}/pool": settings.pool,
        f"{LABEL}/runtime": "process",
        f"{LABEL}/class": settings.traffic_class,
    }


def taint_of(text: str) -> Taint:
    """`key=value:Effect` or `key:Effect`, checked before."""
    pair, _, effect = text.rpartition(":")
    key, _, value = pair.partition("=")
    return Taint(key=key, value=value, effect=effect)


def new_node(settings: AgentSettings, host: Host, *, now_s: float) -> NewNode:
    """What is created when the node joins."""
    return NewNode(
        metadata=NodeMeta(name=settings.name, labels=node_labels(settings)),
        spec=NodeSpec(taints=tuple(taint_of(text) for text in settings.taints)),
        status=node_status(settings, host, before=(), now_s=now_s),
    )


def node_status(
    settings: AgentSettings, host: Host, *, before: tuple[Condition, ...], now_s: float
) -> NodeStatus:
    """The status reported; a condition keeps the time it turned."""
    room = {
        "cpu": f"{settings.cpu_millicores}m",
        "memory": f"{settings.memory_mib}Mi",
        "pods": str(settings.pods_max),
        "ephemeral-storage": "16Gi",
    }
    return NodeStatus(
        capacity=room,
        allocatable=room,
        conditions=_conditions(before, now_s),
        # no Hostname: the API server would try to resolve it before it takes the address
        addresses=(NodeAddress(type="InternalIP", address=str(node_address(settings))),),
        daemon_endpoints=DaemonEndpoints(kubelet_endpoint=Endpoint(port=settings.kubelet_port)),
        node_info=SystemInfo(
            machine_id=host.machine_id,
            system_uuid=host.machine_id,
            boot_id=host.boot_id,
            kernel_version=host.kernel,
            os_image=host.os_image,
            architecture=host.architecture,
        ),
        images=(Image(names=(IMAGE,)),),
    )


def _conditions(before: tuple[Condition, ...], now_s: float) -> tuple[Condition, ...]:
    facts = (
        ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID"),
        ("Ready", "True", "KubeletReady"),
    )
    own = {kind for kind, _, _ in facts}
    earlier = {condition.type: condition for condition in before}
    mine = tuple(_condition(fact, earlier.get(fact[0]), now_s) for fact in facts)
    return (*mine, *(it for it in before if it.type not in own))


def _condition(fact: tuple[str, str, str], before: Condition | None, now_s: float) -> Condition:
    kind, status, reason = fact
    same = before is not None and before.status == status and before.last_transition_time
    return Condition(
        type=kind, status=status, reason=reason, message="the node agent runs",
        last_heartbeat_time=timestamp(now_s),
        last_transition_time=before.last_transition_time if before and same else timestamp(now_s),
    )  # fmt: skip


def must_report(node: Node) -> bool:
    """Whether the API has another opinion of this node than the node itself (it was away, or is new)."""
    ready = next((it for it in node.status.conditions if it.type == "Ready"), None)
    return ready is None or ready.status != "True"


class LeaseSpec(ApiStruct, frozen=True, kw_only=True):
    """LeaseSpec."""

    holder_identity: str
    lease_duration_seconds: int
    renew_time: str


class OwnerReference(ApiStruct, frozen=True, kw_only=True):
    """The node a lease goes with."""

    api_version: str = "v1"
    kind: str = "Node"
    name: str
    uid: str


class LeaseMeta(ApiStruct, frozen=True, kw_only=True):
    """What we write of a Lease's metadata."""

    name: str
    namespace: str = "kube-node-lease"
    owner_references: tuple[OwnerReference, ...]


class NewLease(ApiStruct, frozen=True, kw_only=True):
    """A Lease as written."""

    api_version: str = "coordination.k8s.io/v1"
    kind: str = "Lease"
    metadata: LeaseMeta
    spec: LeaseSpec


def lease_of(settings: AgentSettings, *, node_uid: str, now_s: float) -> NewLease:
    """The node's lease, renewed at `now_s`."""
    owner = OwnerReference(name=settings.name, uid=node_uid)
    return NewLease(
        metadata=LeaseMeta(name=settings.name, owner_references=(owner,)),
        spec=LeaseSpec(
            holder_identity=settings.name,
            lease_duration_seconds=settings.lease_duration_s,
            renew_time=datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        ),
    )
