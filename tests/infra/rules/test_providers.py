"""Explicit providers, and a name for each cluster: both ways."""

import pytest

from infra.rules.providers import check_explicit, check_identifier
from infra.rules.values import UNKNOWNS
from tests.infra.rules.world import GROUND, named, resource

PROVIDER = "pulumi:providers:kubernetes"


@pytest.mark.parametrize(
    ("kind", "provider", "refused"),
    [
        ("Secret", "public", False),
        ("Secret", "default_4_25_0", True),
        ("Secret", "default", True),
        ("Secret", "defaults", False),
        ("Secret", "", False),
        ("aws:s3/bucket:Bucket", "default_7_0_0", True),
        ("alicloud:cs/managedKubernetes:ManagedKubernetes", "default_3_0_0", True),
        ("random:index/randomId:RandomId", "default_4_0_0", False),
        ("pulumi-python:dynamic:Resource", "default", False),
    ],
)
def test_what_has_a_place_names_its_provider(kind: str, provider: str, refused: bool) -> None:  # noqa: FBT001
    """Default providers are refused where they would choose a place; components have none."""
    found = list(check_explicit(resource(kind, named("x"), provider=provider), GROUND))
    assert bool(found) is refused


@pytest.mark.parametrize(
    ("identifier", "refused"),
    [("c-1", False), (next(iter(UNKNOWNS)), False), ("", True), (None, True)],
)
def test_a_kubernetes_provider_names_its_cluster(identifier: object, refused: bool) -> None:  # noqa: FBT001
    """A name that is not known before the run is one; a default provider is another rule's affair."""
    props = {} if identifier is None else {"clusterIdentifier": identifier}
    assert bool(list(check_identifier(resource(PROVIDER, props), GROUND))) is refused
    assert list(check_identifier(resource(PROVIDER, props, name="default_4_25_0"), GROUND)) == []
    assert list(check_identifier(resource("pulumi:providers:aws", props), GROUND)) == []
