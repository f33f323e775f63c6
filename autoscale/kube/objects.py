"""Kubernetes objects as far as the controller reads them; what it does not know is left alone. Pure."""

from datetime import datetime

import msgspec


class Object(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A part of an API object: unknown keys are ignored, missing ones have defaults."""


class ManagedFields(Object, frozen=True, kw_only=True):
    """Which manager owns which fields, and when it last changed one."""

    manager: str = ""
    operation: str = ""
    subresource: str = ""
    api_version: str = ""
    fields_type: str = ""
    time: datetime | None = None
    fields: dict[str, object] = msgspec.field(name="fieldsV1", default_factory=dict[str, object])


class Meta(Object, frozen=True, kw_only=True):
    """ObjectMeta."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    annotations: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    finalizers: tuple[str, ...] = ()
    managed_fields: tuple[ManagedFields, ...] = ()

    @property
    def key(self) -> str:
        """`namespace/name`, or the name alone."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Named(Object, frozen=True, kw_only=True):
    """Whatever has metadata."""

    metadata: Meta


class Condition(Object, frozen=True, kw_only=True):
    """A condition of any kind."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class PromotionObject(Object, frozen=True, kw_only=True):
    """A promotion as stored; spec and status are decoded one by one, so that a bad one stops no other."""

    metadata: Meta
    spec: msgspec.Raw = msgspec.Raw(b"{}")
    status: msgspec.Raw = msgspec.Raw(b"{}")


class TargetRef(Object, frozen=True, kw_only=True):
    """What an autoscaler scales."""

    kind: str = "Deployment"
    name: str = ""


class HpaSpec(Object, frozen=True, kw_only=True):
    """Autoscaler wishes; the API server's default minimum is 1."""

    scale_target_ref: TargetRef = TargetRef()
    min_replicas: int = 1
    max_replicas: int = 1


class HpaStatus(Object, frozen=True, kw_only=True):
    """Autoscaler state."""

    current_replicas: int = 0
    desired_replicas: int = 0
    conditions: tuple[Condition, ...] = ()


class Hpa(Object, frozen=True, kw_only=True):
    """HorizontalPodAutoscaler v2."""

    metadata: Meta
    spec: HpaSpec = HpaSpec()
    status: HpaStatus = HpaStatus()


class ScaledObjectSpec(Object, frozen=True, kw_only=True):
    """KEDA's wishes, with KEDA's defaults."""

    scale_target_ref: TargetRef = TargetRef()
    min_replica_count: int = 0
    max_replica_count: int = 100


class ScaledObject(Object, frozen=True, kw_only=True):
    """KEDA ScaledObject."""

    metadata: Meta
    spec: ScaledObjectSpec = ScaledObjectSpec()


class Labels(Object, frozen=True, kw_only=True):
    """Metadata of a template."""

    labels: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class Template(Object, frozen=True, kw_only=True):
    """A pod template, its labels only."""

    metadata: Labels = Labels()


class ScaleSpec(Object, frozen=True, kw_only=True):
    """Of a Deployment or StatefulSet."""

    replicas: int = 1
    template: Template = Template()


class ScaleStatus(Object, frozen=True, kw_only=True):
    """Of a Deployment or StatefulSet."""

    replicas: int = 0
    ready_replicas: int = 0
    observed_generation: int = 0


class Scalable(Object, frozen=True, kw_only=True):
    """A Deployment or a StatefulSet."""

    metadata: Meta
    spec: ScaleSpec = ScaleSpec()
    status: ScaleStatus = ScaleStatus()


class NodeSpec(Object, frozen=True, kw_only=True):
    """A node's wishes."""

    unschedulable: bool = False


class NodeStatus(Object, frozen=True, kw_only=True):
    """A node's state."""

    conditions: tuple[Condition, ...] = ()


class Node(Object, frozen=True, kw_only=True):
    """A node."""

    metadata: Meta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def ready(self) -> Condition | None:
        """Its Ready condition where that is True and the node stays."""
        found = next((c for c in self.status.conditions if c.type == "Ready"), None)
        stays = self.metadata.deletion_timestamp is None and not self.spec.unschedulable
        return found if found is not None and found.status == "True" and stays else None


class ServiceSpec(Object, frozen=True, kw_only=True):
    """A service's wishes."""

    selector: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class Service(Object, frozen=True, kw_only=True):
    """A service."""

    metadata: Meta
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(Object, frozen=True, kw_only=True):
    """Absent means ready."""

    ready: bool | None = None


class Endpoint(Object, frozen=True, kw_only=True):
    """One endpoint and the pod behind it."""

    conditions: EndpointConditions = EndpointConditions()
    target_ref: TargetRef | None = None


class EndpointSlice(Object, frozen=True, kw_only=True):
    """Part of a service's endpoints."""

    metadata: Meta
    endpoints: tuple[Endpoint, ...] | None = ()

    @property
    def service(self) -> str:
        """The service it belongs to, empty for none."""
        return self.metadata.labels.get("kubernetes.io/service-name", "")


class BufferSpec(Object, frozen=True, kw_only=True):
    """A capacity buffer's wishes."""

    replicas: int = 0


class BufferStatus(Object, frozen=True, kw_only=True):
    """A capacity buffer's state."""

    conditions: tuple[Condition, ...] = ()


class Buffer(Object, frozen=True, kw_only=True):
    """CapacityBuffer, any served version."""

    metadata: Meta
    spec: BufferSpec = BufferSpec()
    status: BufferStatus = BufferStatus()
