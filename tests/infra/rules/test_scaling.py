"""One owner of replicas: both ways, over namespaces, kinds and clusters."""

import pytest

from infra.rules.scaling import check
from infra.rules.values import UNKNOWNS
from tests.infra.rules.world import GROUND, deployment, named, resource


def scaler(
    name: str = "ads", kind: str | None = "Deployment", namespace: str = "shop"
) -> dict[str, object]:
    target = {"name": name} | ({"kind": kind} if kind else {})
    body = named("scaler", spec={"scaleTargetRef": target, "minReplicas": 1})
    body["metadata"] = {"name": "scaler", "namespace": namespace}
    return body


def said(*held: tuple[str, dict[str, object], str]) -> list[str]:
    made = [
        resource(kind, body, provider=provider, name=f"r{n}")
        for n, (kind, body, provider) in enumerate(held)
    ]
    return [urn.rpartition("::")[2] for urn, _ in check(made, GROUND)]


@pytest.mark.parametrize("replicas", [0, 1, 3.0, next(iter(UNKNOWNS))])
def test_replicas_under_a_scaler_are_refused(replicas: object) -> None:
    """Any number, zero and one not known yet too; in either order."""
    owned = ("Deployment", deployment(replicas=replicas), "p")
    by = ("HorizontalPodAutoscaler", scaler(), "p")
    assert said(owned, by) == ["r0"]
    assert said(by, owned) == ["r1"]


def test_replicas_without_a_scaler_and_a_scaler_without_replicas_may_be() -> None:
    """Another name, kind, namespace or cluster is another workload."""
    owned = ("Deployment", deployment(replicas=3), "p")
    by = "HorizontalPodAutoscaler"
    assert said(owned) == []
    assert said(("Deployment", deployment(), "p"), (by, scaler(), "p")) == []
    assert said(owned, (by, scaler("other"), "p")) == []
    assert said(owned, (by, scaler(kind="StatefulSet"), "p")) == []
    assert said(owned, (by, scaler(namespace="elsewhere"), "p")) == []
    assert said(owned, (by, scaler(), "the other cluster")) == []


def test_keda_s_scaler_means_a_deployment() -> None:
    """Its reference may leave the kind out."""
    assert said(
        ("Deployment", deployment(replicas=1), "p"), ("ScaledObject", scaler(kind=None), "p")
    ) == ["r0"]


def managed(*managers: dict[str, object]) -> dict[str, object]:
    body = deployment(replicas=1)
    return {
        **body,
        "metadata": {"name": "ads", "namespace": "shop", "managedFields": list(managers)},
    }


REPLICAS = {"f:spec": {"f:replicas": {}}}


@pytest.mark.parametrize(
    ("manager", "refused"),
    [
        ({"manager": "pulumi-kubernetes-1a2b", "fieldsV1": REPLICAS}, True),
        ({"manager": "pulumi-kubernetes-1a2b", "fieldsV1": {"f:spec": {}}}, False),
        ({"manager": "kube-controller-manager", "subresource": "scale", "fieldsV1": REPLICAS}, False),
        ({"manager": "pulumi-kubernetes-1a2b", "subresource": "scale", "fieldsV1": REPLICAS}, False),
    ],
)  # fmt: skip
def test_replicas_filled_in_by_the_cluster_are_nobody_s(
    manager: dict[str, object], refused: object
) -> None:
    """A preview by the API server defaults them, a refresh brings the scaler's: who wrote them is on record."""
    body = managed(manager)
    found = said(("Deployment", body, "p"), ("HorizontalPodAutoscaler", scaler(), "p"))
    assert bool(found) == refused
