"""The admission policy: made from policy.yaml, for sites that may not hold sensitive data, in the shape the API takes."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.admission import admission, manifests, quoted
from infra.rules.resource import CONFIGS, ROUTES, SECRETS, TOPICS, VOLUMES, WORKLOADS
from infra.rules.sensitivity import REMEDIATION, refusal
from policy.load import load_policy
from policy.model import SitePolicy
from tests.infra.rules.world import POLICY, policy

PLURALS = {"Ingress": "ingresses", "KafkaTopic": "kafkatopics"}
NOT_SERVED_AS_A_KIND_OF_THE_API = {"Release", "SealedSecret", "ExternalSecret", "UDPRoute"}
"""A Helm release is what it installs; the others are turned into objects that are judged."""


def test_it_is_a_policy_and_its_binding() -> None:
    """Names that fit, deny and audit, and closed when it cannot be worked out."""
    policy_, binding = manifests(policy(), "public")
    assert (policy_["kind"], binding["kind"]) == (
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    )
    assert policy_["apiVersion"] == binding["apiVersion"] == "admissionregistration.k8s.io/v1"
    made = admission(policy(), "public")
    assert made is not None
    assert made.binding.spec.policy_name == made.policy.metadata.name
    assert made.binding.spec.validation_actions == ("Deny", "Audit")
    assert made.policy.spec.failure_policy == "Fail"


def test_a_site_that_may_hold_sensitive_data_gets_none() -> None:
    """And one the policy does not know is treated as one that may not."""
    assert admission(policy(), "private") is None
    assert manifests(policy(), "private") == []
    assert admission(policy(), "elsewhere") is not None


def test_it_looks_at_every_kind_the_pack_looks_at() -> None:
    """On create and on update."""
    made = admission(policy(), "public")
    assert made is not None
    rules = made.policy.spec.match_constraints.resource_rules
    looked_at = {name for rule in rules for name in rule.resources}
    kinds = WORKLOADS | SECRETS | VOLUMES | CONFIGS | ROUTES | TOPICS
    wanted = {
        PLURALS.get(kind, f"{kind.lower()}s") for kind in kinds - NOT_SERVED_AS_A_KIND_OF_THE_API
    }
    assert wanted <= looked_at
    assert {rule.operations for rule in rules} == {("CREATE", "UPDATE")}


def test_it_says_what_the_pack_says() -> None:
    """The same words, with or without the reason."""
    made = admission(policy(), "public")
    assert made is not None
    (validation,) = made.policy.spec.validations
    assert validation.message == f"{refusal('public')}; {REMEDIATION}"
    assert quoted(refusal("public")) in validation.message_expression
    assert "\n" not in validation.message


def test_services_and_topics_come_from_the_policy() -> None:
    """Those with sensitive routes only; those a stream puts on the site."""
    made = admission(policy(), "public")
    assert made is not None
    why = next(it for it in made.policy.spec.variables if it.name == "why").expression
    assert '["orders"]' in why
    assert '["clicks", "private.offers"]' in why


def test_variables_are_named_before_they_are_used() -> None:
    """The API server works them out in order."""
    made = admission(policy(), "public")
    assert made is not None
    known = set[str]()
    for variable in made.policy.spec.variables:
        assert set(re.findall(r"variables\.(\w+)", variable.expression)) <= known
        known.add(variable.name)
    assert set(re.findall(r"variables\.(\w+)", made.policy.spec.validations[0].expression)) <= known


@given(name=st.text(min_size=1, max_size=12))
def test_no_name_breaks_out_of_its_string(name: str) -> None:
    """A site's name goes into expressions as a string that decodes to itself."""
    odd = msgspec.structs.replace(policy(), sites={name: SitePolicy(name=name, holds=frozenset())})
    made = admission(odd, name)
    assert made is not None
    expression = made.policy.spec.validations[0].message_expression
    head, _ = msgspec.json.decode(quoted(refusal(name))), expression
    assert head == refusal(name)
    assert expression.startswith(quoted(refusal(name)))


@pytest.mark.parametrize("changed", [b"class: public, service: ads}", b"service: orders}"])
def test_another_policy_makes_another_admission(changed: bytes) -> None:
    """It follows the file, not a copy of it."""
    other = load_policy(POLICY.replace(changed, changed.replace(b"s}", b"x}")), "policy.yaml")
    assert manifests(other, "public") != manifests(policy(), "public")
