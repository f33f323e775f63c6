"""The rules over an exported stack."""

import json

import pytest

from infra.rules.state import StateError, judge_state, provider_name, stored_resources
from infra.rules.values import SECRET, SIGNATURE
from tests.infra.rules.world import PUBLIC, SENSITIVE, deployment, named, policy

PROVIDER = "urn:pulumi:dev-public::isthmus::pulumi:providers:kubernetes::public::id-1"


def stored(kind: str, inputs: dict[str, object], **more: object) -> dict[str, object]:
    return {
        "urn": f"urn:pulumi:dev-public::isthmus::isthmus:infra:Workload${kind}::it",
        "custom": True, "type": kind, "inputs": inputs, "outputs": {}, "provider": PROVIDER, **more,
    }  # fmt: skip


def export(*resources: dict[str, object]) -> bytes:
    return json.dumps(
        {"version": 3, "deployment": {"manifest": {}, "resources": resources}}
    ).encode()


def test_what_is_stored_is_judged_like_what_is_described() -> None:
    """A sensitive Deployment on public and a plain Secret are found; a good stack is good."""
    bad = export(
        stored("kubernetes:apps/v1:Deployment", deployment("x", labels=SENSITIVE)),
        stored("kubernetes:core/v1:Secret", named("s", PUBLIC, stringData={"k": "plain"})),
    )
    assert [it.rule for it in judge_state(bad, policy())] == [
        "sensitive-placement",
        "no-plain-secret",
    ]
    hidden = {SIGNATURE: SECRET, "ciphertext": "v1:abc"}
    good = export(
        stored("kubernetes:apps/v1:Deployment", deployment("x")),
        stored("kubernetes:core/v1:Secret", named("s", PUBLIC, stringData=hidden)),
    )
    assert judge_state(good, policy()) == ()


def test_what_waits_for_deletion_is_not_judged() -> None:
    """It is on its way out, as the rule demands."""
    bad = stored("kubernetes:apps/v1:Deployment", deployment("x", labels=SENSITIVE), delete=True)
    assert stored_resources(export(bad)) == ()


def test_the_provider_s_name_stands_in_its_reference() -> None:
    """The URN without its id."""
    assert provider_name(PROVIDER) == "public"
    assert provider_name("") == ""
    assert provider_name("urn:pulumi:s::p::t") == ""


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"version": 3}', b"\xff"])
def test_what_is_no_export_is_refused(data: bytes) -> None:
    """With the command that writes one."""
    with pytest.raises(StateError, match="pulumi stack export"):
        judge_state(data, policy())


def test_an_empty_stack_is_good() -> None:
    """Nothing is there to break a rule."""
    assert judge_state(b'{"version": 3, "deployment": {"resources": []}}', policy()) == ()
    assert judge_state(b'{"version": 3, "deployment": {}}', policy()) == ()
