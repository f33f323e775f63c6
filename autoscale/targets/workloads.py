"""Workloads that promotions name, as they are: HPA, Deployment or ScaledObject, and the pods behind them. Pure."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from autoscale.kube.objects import Hpa, ManagedFields, Scalable, ScaledObject, TargetRef
from autoscale.kube.resources import DEPLOYMENTS, HPAS, SCALED_OBJECTS, Resource
from autoscale.targets.managed import Ownership, ownership
from autoscale.targets.snapshot import Snapshot
from autoscale.verify.serving import serving_pods

NOBODY = Ownership(ours=False, others=(), changed_at=None)


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    """Where a kind keeps its floor and its ceiling (None: it has none), below `spec`."""

    resource: Resource
    floor: str
    ceiling: str | None


KINDS: Mapping[str, Fields] = {
    "HorizontalPodAutoscaler": Fields(resource=HPAS, floor="minReplicas", ceiling="maxReplicas"),
    "Deployment": Fields(resource=DEPLOYMENTS, floor="replicas", ceiling=None),
    "ScaledObject": Fields(
        resource=SCALED_OBJECTS, floor="minReplicaCount", ceiling="maxReplicaCount"
    ),
}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One workload as it stands.

    `ready` replicas also stand in the endpoints of the services in front of them, where there are any.
    `autoscaler` is another object that scales it (`Kind/name`), empty when none does. `trouble` is why the HPA
    does not scale, in its own words, empty when it does or nobody knows yet.
    """

    key: str
    namespace: str
    name: str
    fields: Fields
    version: str
    floor: int
    ceiling: int | None
    replicas: int
    ready: int
    desired: int
    owns_floor: Ownership
    owns_ceiling: Ownership
    book: tuple[ManagedFields, ...] = ()
    autoscaler: str = ""
    trouble: str = ""
    sleeping: bool = False

    @property
    def ours(self) -> bool:
        """Whether the floor in force is ours."""
        return self.owns_floor.ours

    @property
    def partly_ours(self) -> bool:
        """Whether anything of it is still ours: somebody may have taken the floor and left us the ceiling."""
        return self.owns_floor.ours or self.owns_ceiling.ours

    @property
    def floor_since(self) -> datetime | None:
        """When we last changed it."""
        return self.owns_floor.changed_at


def split(key: str) -> tuple[str, str, str]:
    """Kind, namespace and name of a workload key; empty texts where it is none."""
    parts = key.split("/")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", "", "")


def target_of(key: str, snapshot: Snapshot) -> Target | None:
    """The workload a key names; None when it does not exist."""
    kind, namespace, name = split(key)
    place = f"{namespace}/{name}"
    match kind:
        case "HorizontalPodAutoscaler":
            hpa = snapshot.hpas.get(place)
            return None if hpa is None else _of_hpa(key, hpa, snapshot)
        case "Deployment":
            deployment = snapshot.deployments.get(place)
            return None if deployment is None else _of_deployment(key, deployment, snapshot)
        case "ScaledObject":
            scaled = snapshot.scaled_objects.get(place)
            return None if scaled is None else _of_scaled(key, scaled, snapshot)
        case _:
            return None


def _of_hpa(key: str, hpa: Hpa, snapshot: Snapshot) -> Target:
    meta, spec, status = hpa.metadata, hpa.spec, hpa.status
    behind = _behind(meta.namespace, spec.scale_target_ref, snapshot)
    kept_by = next(
        (
            f"ScaledObject/{it.metadata.name}"
            for it in snapshot.scaled_objects.values()
            if it.metadata.namespace == meta.namespace and meta.name == f"keda-hpa-{it.metadata.name}"
        ),
        "",
    )  # fmt: skip
    fields = KINDS["HorizontalPodAutoscaler"]
    return Target(
        key=key, namespace=meta.namespace, name=meta.name, fields=fields,
        version=meta.resource_version, book=meta.managed_fields, floor=spec.min_replicas, ceiling=spec.max_replicas,
        replicas=behind.status.replicas if behind else status.current_replicas,
        ready=_ready(behind, snapshot) if behind else status.current_replicas,
        desired=status.desired_replicas,
        owns_floor=ownership(meta.managed_fields, "spec", "minReplicas"),
        owns_ceiling=ownership(meta.managed_fields, "spec", "maxReplicas"),
        autoscaler=kept_by, trouble=_trouble(hpa),
        sleeping=behind is not None and behind.spec.replicas == 0,
    )  # fmt: skip


def _trouble(hpa: Hpa) -> str:
    for condition in hpa.status.conditions:
        said = (condition.type, condition.status)
        if said in {("ScalingActive", "False"), ("AbleToScale", "False")}:
            return f"{condition.reason}: {condition.message}"
    return ""


def _of_deployment(key: str, deployment: Scalable, snapshot: Snapshot) -> Target:
    meta = deployment.metadata
    return Target(
        key=key, namespace=meta.namespace, name=meta.name, fields=KINDS["Deployment"],
        version=meta.resource_version, book=meta.managed_fields, floor=deployment.spec.replicas, ceiling=None,
        replicas=deployment.status.replicas, ready=_ready(deployment, snapshot), desired=0,
        owns_floor=ownership(meta.managed_fields, "spec", "replicas"), owns_ceiling=NOBODY,
        autoscaler=_scaler_of(meta.namespace, meta.name, snapshot),
    )  # fmt: skip


def _scaler_of(namespace: str, name: str, snapshot: Snapshot) -> str:
    """Who scales a Deployment already: it has to be named in its place."""
    found = (
        *(("ScaledObject", it.metadata, it.spec.scale_target_ref) for it in snapshot.scaled_objects.values()),
        *(("HorizontalPodAutoscaler", it.metadata, it.spec.scale_target_ref) for it in snapshot.hpas.values()),
    )  # fmt: skip
    for kind, meta, ref in found:
        if (meta.namespace, ref.kind, ref.name) == (namespace, "Deployment", name):
            return f"{kind}/{meta.name}"
    return ""


def _of_scaled(key: str, scaled: ScaledObject, snapshot: Snapshot) -> Target:
    meta, spec = scaled.metadata, scaled.spec
    behind = _behind(meta.namespace, spec.scale_target_ref, snapshot)
    hpa = snapshot.hpas.get(f"{meta.namespace}/keda-hpa-{meta.name}")
    return Target(
        key=key, namespace=meta.namespace, name=meta.name, fields=KINDS["ScaledObject"],
        version=meta.resource_version, book=meta.managed_fields, floor=spec.min_replica_count, ceiling=spec.max_replica_count,
        replicas=behind.status.replicas if behind else 0, ready=_ready(behind, snapshot) if behind else 0,
        desired=hpa.status.desired_replicas if hpa else 0,
        owns_floor=ownership(meta.managed_fields, "spec", "minReplicaCount"),
        owns_ceiling=ownership(meta.managed_fields, "spec", "maxReplicaCount"),
        trouble=_trouble(hpa) if hpa else "",
    )  # fmt: skip


def _behind(namespace: str, ref: TargetRef, snapshot: Snapshot) -> Scalable | None:
    place = f"{namespace}/{ref.name}"
    return (
        snapshot.stateful_sets.get(place)
        if ref.kind == "StatefulSet"
        else snapshot.deployments.get(place)
        if ref.kind == "Deployment"
        else None
    )


def _ready(behind: Scalable, snapshot: Snapshot) -> int:
    """Ready by the kubelet *and* in every service in front: a pod nobody sends to does not serve."""
    ready = behind.status.ready_replicas
    served = serving_pods(behind, snapshot.services.values(), snapshot.slices.values())
    return ready if served is None else min(ready, served)
