"""No way in from the Internet to what holds sensitive data: both ways for every way in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.rules.exposure import INTERNAL, check
from infra.rules.values import UNKNOWNS
from tests.infra.rules.world import GROUND, PUBLIC, SENSITIVE, named, resource


def service(kind: object, annotations: object = None, labels: object = None) -> dict[str, object]:
    body = named("api", spec={"type": kind} if kind else {})
    body["metadata"] = {"name": "api", "labels": labels or {}, "annotations": annotations or {}}
    return body


def said(body: dict[str, object], kind: str = "Service", **where: str) -> list[str]:
    return list(check(resource(kind, body, **({"stack": "dev-private"} | where)), GROUND))


@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort", next(iter(UNKNOWNS))])
def test_a_way_in_to_a_private_service_is_refused(kind: str) -> None:
    """Also a type that is not known yet; on public, what is not sensitive may be reached."""
    assert said(service(kind))
    assert said(service(kind), stack="dev-fabric", provider="private")
    assert said(service(kind, labels=SENSITIVE), stack="dev-public")
    assert said(service(kind, labels=PUBLIC), stack="dev-public") == []


@pytest.mark.parametrize("kind", ["ClusterIP", "ExternalName", ""])
def test_inner_services_are_none_of_the_rule_s_affair(kind: str) -> None:
    """Including a Service that says nothing of its type."""
    assert said(service(kind)) == []


def test_an_ingress_is_a_way_in() -> None:
    """Unless its load balancer is internal."""
    assert said(named("api"), "Ingress")
    assert said(service("", {"alb.ingress.kubernetes.io/scheme": "internal"}), "Ingress") == []
    assert said(named("api"), "ConfigMap") == []


@pytest.mark.parametrize(("key", "values"), sorted(INTERNAL.items()))
def test_each_cloud_s_annotation_counts_with_its_own_value_only(
    key: str, values: tuple[str, ...]
) -> None:
    """`internet-facing` under the right key is not internal."""
    for value in values:
        assert said(service("LoadBalancer", {key: value})) == []
    assert said(service("LoadBalancer", {key: "internet-facing"}))


@given(
    annotations=st.dictionaries(
        st.text(max_size=10).filter(lambda key: key not in INTERNAL), st.text(max_size=10)
    )
)
def test_no_other_annotation_opens_it(annotations: dict[str, str]) -> None:
    """Whatever else is written there."""
    assert said(service("LoadBalancer", annotations))
