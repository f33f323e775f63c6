"""Sensitive things only where they may be held: both ways for every kind, and over any labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.rules.resource import label_places, objects
from infra.rules.sensitivity import GOVERNED, check, sensitive_services, topic_is_public
from infra.rules.values import SECRET, SIGNATURE, UNKNOWNS
from tests.infra.rules.world import GROUND, PUBLIC, SENSITIVE, deployment, named, policy, resource

BODIES = {
    "Deployment": deployment,
    "StatefulSet": deployment,
    "DaemonSet": deployment,
    "Job": deployment,
}


def said(kind: str, body: dict[str, object], **where: str) -> list[str]:
    return list(check(resource(kind, body, **where), GROUND))


@pytest.mark.parametrize("kind", sorted(GOVERNED - {"CronJob"}))
def test_each_kind_is_refused_on_public_unless_it_says_that_it_is_public(kind: str) -> None:
    """Unlabelled, labelled sensitive, labelled anything else: refused; public: not; on private all may be."""
    for labels, refused in (
        (PUBLIC, False),
        (SENSITIVE, True),
        ({}, True),
        ({"isthmus.dev/class": "Public"}, True),
    ):
        body = deployment("it", labels=labels, template=labels)
        assert bool(said(kind, body)) is refused, (kind, labels)
        assert said(kind, body, stack="dev-private") == []
        assert bool(said(kind, body, stack="dev-fabric", provider="public")) is refused
        assert said(kind, body, stack="dev-fabric", provider="private") == []
        assert bool(said(kind, body, stack="dev-fabric", provider="?")) is refused


def test_the_message_says_what_where_and_why() -> None:
    """One message for each place that makes it sensitive."""
    (first, second) = said("Deployment", deployment("it", labels=SENSITIVE, template={}))
    assert first == (
        "Deployment shop/it: sensitive-placement: site public may not hold sensitive data, and this is sensitive: "
        "metadata.labels: isthmus.dev/class is sensitive"
    )
    assert "spec.template.metadata.labels: no label isthmus.dev/class" in second


def test_pods_and_claims_need_labels_of_their_own() -> None:
    """A public Deployment of unlabelled pods would make sensitive pods."""
    assert len(said("Deployment", deployment(template={}))) == 1
    claim = {"metadata": {"labels": {}}}
    assert len(said("StatefulSet", deployment(volumeClaimTemplates=[claim]))) == 1
    labelled = {"metadata": {"labels": PUBLIC}}
    assert said("StatefulSet", deployment(volumeClaimTemplates=[labelled])) == []
    inner = {"metadata": {"labels": PUBLIC}, "spec": {"template": {"metadata": {"labels": PUBLIC}}}}
    assert said("CronJob", named("c", PUBLIC, spec={"jobTemplate": inner})) == []
    assert len(said("CronJob", named("c", PUBLIC, spec={"jobTemplate": {"spec": {}}}))) == 2


def test_a_label_that_cannot_be_seen_is_sensitive() -> None:
    """Secret or not known before the run."""
    for value in (next(iter(UNKNOWNS)), {SIGNATURE: SECRET}):
        assert said("ConfigMap", named("c", {"isthmus.dev/class": value}))
        assert said("ConfigMap", {"metadata": {"name": "c", "labels": value}})


def test_no_label_lowers_what_the_policy_s_routes_say() -> None:
    """`orders` has sensitive routes only; `ads` has a public one. By name, and by app.kubernetes.io/name."""
    assert sensitive_services(policy()) == {"orders"}
    assert said("Deployment", deployment("orders"))[0].endswith(
        "sensitive routes only in the policy"
    )
    assert said("Deployment", deployment("ads")) == []
    disguised = PUBLIC | {"app.kubernetes.io/name": "orders"}
    assert said("Deployment", deployment("harmless", labels=disguised))
    assert said("Service", named("orders"))
    assert said("Ingress", named("orders", PUBLIC))
    assert said("Deployment", deployment("orders"), stack="dev-private") == []


def test_a_service_is_what_it_says() -> None:
    """It holds nothing itself: only a label that is not public, or a sensitive name, refuses it."""
    assert said("Service", named("any")) == []
    assert said("Service", named("any", PUBLIC)) == []
    assert said("Service", named("any", SENSITIVE))
    assert said("Service", named("any", {"isthmus.dev/class": "Public"}))
    assert said("Namespace", named("any", SENSITIVE)) == []


def test_topics_are_where_the_streams_put_them() -> None:
    """Sources at their site, targets under their name at theirs; everything else is sensitive."""
    assert topic_is_public("clicks", "public", policy())
    assert topic_is_public("private.offers", "public", policy())
    assert not topic_is_public("offers", "public", policy())
    assert said("KafkaTopic", named("clicks")) == []
    assert said("KafkaTopic", named("any", spec={"topicName": "clicks"})) == []
    assert said("KafkaTopic", named("orders", PUBLIC))
    assert said("KafkaTopic", named("orders"), stack="dev-private") == []
    assert said("kafka:index/topic:Topic", {"name": "orders"})
    assert said("kafka:index/topic:Topic", {"name": "clicks"}) == []
    assert said("alicloud:alikafka/topic:Topic", {"topic": "clicks"}) == []


LABELS = st.dictionaries(
    st.sampled_from(["isthmus.dev/class", "app.kubernetes.io/name", "x"]),
    st.sampled_from(["public", "sensitive", "", "PUBLIC", "orders", "ads"]),
)


@given(
    kind=st.sampled_from(sorted(GOVERNED)), name=st.sampled_from(["ads", "orders", "x"]),
    labels=LABELS, template=LABELS,
)  # fmt: skip
def test_whatever_passes_on_public_says_public_everywhere(
    kind: str, name: str, labels: dict[str, str], template: dict[str, str]
) -> None:
    """No object with a place that is not labelled public, or with a sensitive service's name, ever passes."""
    it = resource(kind, deployment(name, labels=labels, template=template))
    (found,) = objects(it)
    for place, held in label_places(found):
        if not isinstance(held, dict) or held.get("isthmus.dev/class") != "public":
            assert list(check(it, GROUND)), place
    if "orders" in (name, labels.get("app.kubernetes.io/name")):
        assert list(check(it, GROUND))
