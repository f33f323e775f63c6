"""One owner for the number of pods: where a scaler is, nobody else writes `replicas`. Pure."""

from collections.abc import Iterator, Sequence

from infra.rules.ground import Ground
from infra.rules.resource import Object, Resource, objects
from infra.rules.rule import Rule
from infra.rules.values import at, text

SCALERS = frozenset({"HorizontalPodAutoscaler", "ScaledObject"})
SCALED = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"})

OURS = "pulumi-kubernetes"
"""How the provider's field managers begin."""

Target = tuple[str, str, str, str]
"""Provider, namespace, kind and name."""


def check(resources: Sequence[Resource], _ground: Ground) -> Iterator[tuple[str, str]]:
    """Each workload that has `replicas` and a scaler of its own."""
    scalers = {
        _target(it, found): found.name
        for it in resources
        for found in objects(it)
        if found.kind in SCALERS
    }
    for it in resources:
        for found in objects(it):
            scaler = scalers.get((it.provider, found.namespace, found.kind, found.name))
            if scaler is None or found.kind not in SCALED:
                continue
            if at(found.body, "spec", "replicas") is not None and _written_here(found):
                yield (
                    it.urn,
                    f"{found} has replicas, and {scaler} scales it: each run would undo the scaler",
                )


def _written_here(found: Object) -> bool:
    """Whether this program wrote `replicas`.

    What comes back from the API server has them filled in, by default or by the scaler, and says in
    `managedFields` who owns them; without that it is what was written.
    """
    managers = at(found.body, "metadata", "managedFields")
    if not isinstance(managers, list):
        return True
    return any(
        text(at(entry, "manager")).startswith(OURS)
        and not text(at(entry, "subresource"))
        and at(entry, "fieldsV1", "f:spec", "f:replicas") is not None
        for entry in managers
    )


def _target(resource: Resource, scaler: Object) -> Target:
    """What a scaler scales; KEDA's may leave the kind out and means a Deployment."""
    reference = at(scaler.body, "spec", "scaleTargetRef")
    kind = text(at(reference, "kind")) or "Deployment"
    return resource.provider, scaler.namespace, kind, text(at(reference, "name"))


ONE_OWNER = Rule(
    id="one-owner-of-replicas",
    demand="A workload under a scaler has no replicas of its own.",
    remediation="leave spec.replicas out; the scaler's minReplicas says how many there are at least",
    stack_check=check,
)
