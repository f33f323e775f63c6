"""How a workload's floor is written, and how it is given back. Pure."""

import msgspec

from autoscale.kube.ports import MERGE_PATCH, Ask
from autoscale.kube.resources import DEPLOYMENTS, STATEFUL_SETS
from autoscale.kube.writes import Place, apply, merge
from autoscale.targets.managed import without_ours
from autoscale.targets.snapshot import Snapshot
from autoscale.targets.workloads import Target, split
from contracts.promotion import Baseline

RESTORED = "isthmus-autoscale-restored"
"""Owns a restored field that nobody owned before us; an empty name would be ours again."""


def place_of(target: Target) -> Place:
    """The very state that was looked at: a write on any other is refused and looked at anew."""
    return Place(
        resource=target.fields.resource, namespace=target.namespace, name=target.name,
        version=target.version,
    )  # fmt: skip


def set_floor(target: Target, baseline: Baseline, *, floor: int, ceiling: int | None) -> Ask:
    """Only the floor, and the ceiling where it has to differ; fields of others are taken over by force.

    The record was made of these owners and the version is pinned, so force takes exactly what was recorded.
    """
    spec: dict[str, object] = {target.fields.floor: floor}
    raised = ceiling is not None and ceiling != baseline.ceiling
    if target.fields.ceiling is not None and (raised or target.owns_ceiling.ours):
        spec[target.fields.ceiling] = target.ceiling if ceiling is None else ceiling
    force = bool(target.owns_floor.others) or (
        target.fields.ceiling in spec and bool(target.owns_ceiling.others)
    )
    return apply(place_of(target), {"spec": spec}, force=force)


def restore(target: Target, baseline: Baseline) -> Ask:
    """What there was before of what is ours, under the name of whoever it belonged to; the fields leave us in the same write.

    A value that does not change does not change hands by itself, so our entry is taken out of the book as well
    (as client-go's csaupgrade does); the version is pinned, so it is the book that was looked at.
    """
    spec: dict[str, object] = {}
    if target.owns_floor.ours:
        spec[target.fields.floor] = baseline.floor
    if target.fields.ceiling is not None and target.owns_ceiling.ours:
        before = target.ceiling if baseline.ceiling is None else baseline.ceiling
        # a floor that somebody else set meanwhile stays, and no ceiling may be below it
        floor = baseline.floor if target.owns_floor.ours else target.floor
        spec[target.fields.ceiling] = max(before or 0, floor)
    book: list[object] = [msgspec.to_builtins(one) for one in without_ours(target.book)]
    # an empty list would mean: leave the book as it is
    content: dict[str, object] = {"spec": spec, "metadata": {"managedFields": book or [{}]}}
    return merge(place_of(target), content, manager=baseline.manager or RESTORED)


def differs(target: Target, *, floor: int, ceiling: int | None) -> bool:
    """Whether there is anything to write."""
    if not target.ours or target.floor != floor:
        return True
    return ceiling is not None and target.ceiling != ceiling


def wake(target: Target, snapshot: Snapshot) -> Ask | None:
    """An HPA does nothing for a workload of 0 replicas: one is started first."""
    kind, namespace, name = split(target.key)
    hpa = snapshot.hpas.get(f"{namespace}/{name}")
    if kind != "HorizontalPodAutoscaler" or hpa is None or not target.sleeping:
        return None
    ref = hpa.spec.scale_target_ref
    resource = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFUL_SETS}.get(ref.kind)
    if resource is None:
        return None
    path = resource.path(namespace, ref.name, "scale")
    return Ask(
        method="PATCH", path=path, content=MERGE_PATCH,
        body=msgspec.json.encode({"spec": {"replicas": 1}}), query={"fieldManager": "isthmus-autoscale-wake"},
    )  # fmt: skip
