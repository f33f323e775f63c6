"""Pods, ConfigMaps and Secrets as the API server writes them; the fields a node does not read are not decoded.

Defaults are the API's own. Pure.
"""

from typing import Literal

import msgspec

from local.agent_parts import ApiStruct, Container, Volume


class Meta(ApiStruct, frozen=True, kw_only=True):
    """ObjectMeta."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    annotations: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    deletion_timestamp: str = ""
    deletion_grace_period_seconds: int | None = None


class PodSpec(ApiStruct, frozen=True, kw_only=True):
    """What is to run."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    restart_policy: Literal["Always", "OnFailure", "Never"] = "Always"
    termination_grace_period_seconds: int = 30
    active_deadline_seconds: int | None = None
    service_account_name: str = ""
    node_name: str = ""
    host_network: bool = False


class Condition(ApiStruct, frozen=True, kw_only=True, omit_defaults=True):
    """A condition of a pod or node."""

    type: str
    status: str
    last_heartbeat_time: str = ""
    last_probe_time: str | None = None
    last_transition_time: str = ""
    reason: str = ""
    message: str = ""


class PodAddress(ApiStruct, frozen=True, kw_only=True):
    """One of a pod's addresses."""

    ip: str = ""


class ObservedStatus(ApiStruct, frozen=True, kw_only=True):
    """The part of a pod's status that others write or that outlives us."""

    phase: str = ""
    pod_ip: str = msgspec.field(default="", name="podIP")
    start_time: str = ""
    conditions: tuple[Condition, ...] = ()


class Pod(ApiStruct, frozen=True, kw_only=True):
    """A pod."""

    metadata: Meta
    spec: PodSpec = PodSpec()
    status: ObservedStatus = ObservedStatus()


class ConfigMap(ApiStruct, frozen=True, kw_only=True):
    """Text and bytes by key."""

    metadata: Meta
    data: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    binary_data: dict[str, bytes] = msgspec.field(default_factory=dict[str, bytes])


class Secret(ApiStruct, frozen=True, kw_only=True):
    """Bytes by key (base64 on the wire)."""

    metadata: Meta
    data: dict[str, bytes] = msgspec.field(default_factory=dict[str, bytes])
