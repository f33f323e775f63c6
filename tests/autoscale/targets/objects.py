"""Objects for tests of targets, as the API server would give them."""

import json
from typing import Any

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
)  # fmt: skip
from autoscale.targets.snapshot import Snapshot

KINDS: dict[str, tuple[str, type]] = {
    "hpas": ("HorizontalPodAutoscaler", Hpa),
    "deployments": ("Deployment", Scalable),
    "stateful_sets": ("StatefulSet", Scalable),
    "scaled_objects": ("ScaledObject", ScaledObject),
    "nodes": ("Node", Node),
    "services": ("Service", Service),
    "slices": ("EndpointSlice", EndpointSlice),
    "buffers": ("CapacityBuffer", Buffer),
    "promotions": ("Promotion", PromotionObject),
}


def snapshot(buffer_version: str = "", **kinds: dict[str, dict[str, Any]]) -> Snapshot:
    """Objects by kind and `namespace/name`; metadata is filled in."""
    made: dict[str, Any] = {}
    for plural, items in kinds.items():
        decoded = {}
        for key, item in items.items():
            namespace, _, name = key.rpartition("/")
            meta = {
                "name": name,
                "namespace": namespace,
                "uid": f"u-{name}",
                "resourceVersion": "7",
            }
            plain = item | {"metadata": meta | item.get("metadata", {})}
            decoded[key] = msgspec.json.decode(json.dumps(plain), type=KINDS[plural][1])
        made[plural] = decoded
    return Snapshot(buffer_version=buffer_version, **made)


def hpa(
    name: str = "x", *, low: int = 4, high: int = 20, kind: str = "Deployment", **more: Any
) -> dict[str, Any]:
    ref = {"kind": kind, "name": name}
    return {"spec": {"minReplicas": low, "maxReplicas": high, "scaleTargetRef": ref}} | more


def deployment(replicas: int = 4, ready: int = 4, **labels: str) -> dict[str, Any]:
    return {
        "spec": {
            "replicas": replicas,
            "template": {"metadata": {"labels": labels or {"app": "x"}}},
        },
        "status": {"replicas": replicas, "readyReplicas": ready},
    }
