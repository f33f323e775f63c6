"""The objects that hold a pool's nodes: placeholder pods, or a CapacityBuffer over the same template. Pure."""

import msgspec

from autoscale.kube.objects import Buffer, Scalable
from autoscale.kube.ports import Ask
from autoscale.kube.resources import DEPLOYMENTS, POD_TEMPLATES, PRIORITIES, buffers
from autoscale.kube.writes import MANAGER, Place, apply, delete
from autoscale.targets.pools import CLASS_LABEL, HOLDS_LABEL, POOL_LABEL, PoolSeen, holder

PRIORITY = "isthmus-placeholder"
PRIORITY_VALUE = -10
"""The lowest for which a cluster autoscaler still adds nodes (its expendable-pods-priority-cutoff)."""
PARTNER = "app.kubernetes.io/managed-by"


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a placeholder pod is made of."""

    namespace: str
    image: str
    command: tuple[str, ...] = ()
    requests: dict[str, str] = {}


def hold(seen: PoolSeen, nodes: int, shape: Shape, *, buffer_version: str) -> list[Ask]:
    """Hold so many nodes of the pool; what is not there yet is made."""
    standing = seen.standing
    version = standing.metadata.resource_version if isinstance(standing, Scalable | Buffer) else ""
    name = holder(seen.pool)
    template = _template(seen, shape)
    if seen.means == "buffer":
        made = Place(resource=POD_TEMPLATES, namespace=shape.namespace, name=name)
        place = Place(
            resource=buffers(buffer_version), namespace=shape.namespace, name=name, version=version
        )
        buffer = {
            "metadata": {"labels": _labels(seen)},
            "spec": {"podTemplateRef": {"name": name}, "replicas": nodes},
        }
        first = apply(
            made, {"metadata": {"labels": _labels(seen)}, "template": template}, force=True
        )
        return [first, apply(place, buffer, force=True)]
    place = Place(resource=DEPLOYMENTS, namespace=shape.namespace, name=name, version=version)
    deployment = {
        "metadata": {"labels": _labels(seen)},
        "spec": {
            "replicas": nodes, "selector": {"matchLabels": {HOLDS_LABEL: seen.pool}},
            # all at once: nodes that come one after the other come too late
            "strategy": {"type": "Recreate"}, "template": template,
        },
    }  # fmt: skip
    return [apply(place, deployment, force=True)]


def let_go(held: Scalable | Buffer, *, buffer_version: str) -> list[Ask]:
    """Delete what holds the nodes; the pool's own autoscaler takes back what is idle.

    A buffer's template goes first: it is looked for by nothing once the buffer is gone.
    """
    meta = held.metadata
    place = Place(resource=DEPLOYMENTS, namespace=meta.namespace, name=meta.name)
    if isinstance(held, Scalable):
        return [delete(place, meta.uid)]
    template = Ask(method="DELETE", path=POD_TEMPLATES.path(meta.namespace, meta.name))
    place = msgspec.structs.replace(place, resource=buffers(buffer_version))
    return [template, delete(place, meta.uid)]


def priority() -> Ask:
    """The class of placeholder pods: everything else goes before them."""
    content = {
        "value": PRIORITY_VALUE, "preemptionPolicy": "Never", "globalDefault": False,
        "description": "Pods that keep nodes for a promotion; everything else goes before them.",
    }  # fmt: skip
    return apply(Place(resource=PRIORITIES, name=PRIORITY), content, force=True)


def _labels(seen: PoolSeen) -> dict[str, str]:
    found = {HOLDS_LABEL: seen.pool, PARTNER: MANAGER}
    return found | ({CLASS_LABEL: seen.traffic_class} if seen.traffic_class else {})


def _template(seen: PoolSeen, shape: Shape) -> dict[str, object]:
    apart = {
        "labelSelector": {"matchLabels": {HOLDS_LABEL: seen.pool}},
        "topologyKey": "kubernetes.io/hostname",
    }
    container: dict[str, object] = {
        "name": "hold", "image": shape.image, "resources": {"requests": shape.requests},
        "securityContext": {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsNonRoot": True,
            "runAsUser": 65534, "capabilities": {"drop": ["ALL"]},
        },
    }  # fmt: skip
    if shape.command:
        container["command"] = list(shape.command)
    return {
        "metadata": {"labels": _labels(seen)},
        "spec": {
            "priorityClassName": PRIORITY, "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False, "enableServiceLinks": False,
            "nodeSelector": {POOL_LABEL: seen.pool},
            # taints of the pool; not NoExecute ones, or a pod would stay on a node that died
            "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
            "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}},
            "containers": [container],
        },
    }  # fmt: skip
