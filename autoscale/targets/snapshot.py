"""Everything the controller has in its caches at one moment. Pure."""

import msgspec

from autoscale.kube.objects import (
    Buffer,
    EndpointSlice,
    Hpa,
    Node,
    PromotionObject,
    Scalable,
    ScaledObject,
    Service,
)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Objects by `namespace/name`; `buffer_version` is the served one of CapacityBuffer, empty when none is."""

    promotions: dict[str, PromotionObject] = msgspec.field(
        default_factory=dict[str, PromotionObject]
    )
    hpas: dict[str, Hpa] = msgspec.field(default_factory=dict[str, Hpa])
    deployments: dict[str, Scalable] = msgspec.field(default_factory=dict[str, Scalable])
    stateful_sets: dict[str, Scalable] = msgspec.field(default_factory=dict[str, Scalable])
    scaled_objects: dict[str, ScaledObject] = msgspec.field(default_factory=dict[str, ScaledObject])
    nodes: dict[str, Node] = msgspec.field(default_factory=dict[str, Node])
    services: dict[str, Service] = msgspec.field(default_factory=dict[str, Service])
    slices: dict[str, EndpointSlice] = msgspec.field(default_factory=dict[str, EndpointSlice])
    buffers: dict[str, Buffer] = msgspec.field(default_factory=dict[str, Buffer])
    buffer_version: str = ""
