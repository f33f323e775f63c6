"""What a killed update had begun, and what of it can be begun again."""

import pytest

from infra.engine.pending import interrupted


def pending(operation: str, kind: str) -> dict[str, object]:
    urn = f"urn:pulumi:dev-public::isthmus::parent${kind}::one"
    return {"type": operation, "resource": {"type": kind, "urn": urn, "custom": True, "inputs": {}}}


def test_each_operation_is_named() -> None:
    """What was being done to which resource."""
    found = interrupted(
        [pending("updating", "kubernetes:apps/v1:Deployment"), pending("deleting", "aws:eks/cluster:Cluster")]
    )  # fmt: skip
    assert [str(it) for it in found] == ["updating Deployment one", "deleting Cluster one"]
    assert interrupted([]) == ()


@pytest.mark.parametrize(
    ("operation", "kind", "lost"),
    [
        ("creating", "kubernetes:apps/v1:Deployment", False),
        ("creating", "pulumi-python:dynamic/isthmus:LocalCluster", False),
        ("creating", "pulumi:providers:kubernetes", False),
        ("creating", "kubernetes:helm.sh/v3:Release", True),
        ("creating", "aws:eks/cluster:Cluster", True),
        ("updating", "aws:eks/cluster:Cluster", False),
        ("deleting", "aws:eks/cluster:Cluster", False),
    ],
)
def test_only_what_would_be_made_twice_is_lost(operation: str, kind: str, lost: bool) -> None:  # noqa: FBT001
    """A cloud's resource whose creation nobody saw end; objects are applied, and what had an id keeps it."""
    assert interrupted([pending(operation, kind)])[0].lost is lost
