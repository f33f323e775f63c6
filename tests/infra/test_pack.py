"""The rules as the SDK's policies: what the engine sends is read as meant, secrets marked, unknowns no excuse."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pulumi_policy as pp
import pytest
from pulumi_policy import policy as pp_internal
from pulumi_policy.proxy import unknown_checking_proxy

from infra.config import Settings
from infra.pack import (
    PackError,
    mark_secrets,
    marked,
    policies,
    policy_path,
    read_policy,
    resource_of,
)
from infra.rules.rulebook import RULES
from infra.rules.values import SECRET, SIGNATURE, UNKNOWNS, Mark
from tests.infra.rules.world import GROUND, SENSITIVE, deployment, named

ROOT = Path(__file__).parents[2]
UNKNOWN = next(iter(UNKNOWNS))


def given(
    props: dict[str, object], *, kind: str = "kubernetes:apps/v1:Deployment", stack: str = "dev-public",
    provider: str | None = "public",
) -> SimpleNamespace:  # fmt: skip
    """A resource as the SDK hands it to a policy."""
    return SimpleNamespace(
        resource_type=kind, name="it", urn=f"urn:pulumi:{stack}::isthmus::{kind}::it",
        props=unknown_checking_proxy(marked(props)),
        provider=None if provider is None else SimpleNamespace(name=provider),
    )  # fmt: skip


def test_what_the_engine_sends_is_read_as_meant() -> None:
    """Nested values, lists, secrets without their value, and what is not known yet, without an exception."""
    secret = {SIGNATURE: SECRET, "value": "hunter-2"}
    made = resource_of(
        given({"a": [1.0, {"b": UNKNOWN}], "c": secret, "d": UNKNOWN, "e": {"f": "g"}})
    )
    assert made.props == {
        "a": [1.0, {"b": Mark.UNKNOWN}], "c": Mark.HIDDEN, "d": Mark.UNKNOWN, "e": {"f": "g"},
    }  # fmt: skip
    assert (made.stack, made.provider) == ("dev-public", "public")
    assert resource_of(given({}, provider=None)).provider == ""


def test_every_rule_is_a_mandatory_policy_of_its_own_name() -> None:
    """With its demand and its remedy."""
    made = policies(GROUND)
    assert [it.name for it in made] == [rule.id for rule in RULES]
    for it, rule in zip(made, RULES, strict=True):
        assert it.enforcement_level is pp.EnforcementLevel.MANDATORY
        assert it.description == rule.demand
        assert it.remediation_steps == rule.remediation
        assert isinstance(it, pp.ResourceValidationPolicy) is (rule.check is not None)


def reported(name: str, args: object) -> list[tuple[str, str | None]]:
    (policy,) = [it for it in policies(GROUND) if it.name == name]
    seen: list[tuple[str, str | None]] = []
    policy.validate(args, lambda message, urn=None: seen.append((message, urn)))
    return seen


def test_a_violation_is_reported_with_its_fix() -> None:
    """And what breaks no rule is not reported."""
    ((message, _),) = reported("sensitive-placement", given(deployment("x", labels=SENSITIVE)))
    assert message.startswith("Deployment shop/x: sensitive-placement: site public may not hold")
    assert "Fix: put it on a site" in message
    assert reported("sensitive-placement", given(deployment("x"))) == []


def test_what_is_not_known_before_the_run_does_not_skip_a_rule() -> None:
    """The SDK turns a rule that touches an unknown into a remark; these rules see it and go on."""
    body = deployment("x", labels=SENSITIVE, replicas=UNKNOWN)
    body["spec"]["template"]["spec"]["containers"][0]["image"] = UNKNOWN
    assert reported("sensitive-placement", given(body))


def test_a_stack_s_rule_names_the_resource() -> None:
    """By its URN."""
    scaler = given(
        named("h", spec={"scaleTargetRef": {"kind": "Deployment", "name": "x"}}),
        kind="kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    )
    owned = given(deployment("x", replicas=2))
    ((_, urn),) = reported("one-owner-of-replicas", SimpleNamespace(resources=[owned, scaler]))
    assert urn == owned.urn


def test_the_sdk_is_made_to_hand_on_what_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through its own path from a request; an SDK without that path is refused, not trusted."""
    monkeypatch.setattr(pp_internal, "deserialize_properties", pp_internal.deserialize_properties)
    mark_secrets()
    sent = {"data": {"a": {SIGNATURE: SECRET, "value": "x"}, "b": "plain"}}
    assert pp_internal.deserialize_properties(sent)["data"]["a"] == {SIGNATURE: SECRET}
    monkeypatch.delattr(pp_internal, "deserialize_properties")
    with pytest.raises(PackError, match="has changed"):
        mark_secrets()


def test_the_policy_is_the_stack_s() -> None:
    """A variable, else the stack's configuration, else the project's default; a broken one judges nothing."""
    assert policy_path({"ISTHMUS_POLICY": "/p.yaml"}) == Path("/p.yaml")
    assert policy_path({"PULUMI_CONFIG": '{"isthmus:policy": "p.yaml"}'}, ROOT) == ROOT / "p.yaml"
    assert policy_path({"PULUMI_CONFIG": "?"}, ROOT) == ROOT / Settings().policy
    assert read_policy(policy_path({}, ROOT)).sites


def test_a_policy_that_cannot_be_used_stops_the_pack(tmp_path: Path) -> None:
    """Missing or wrong: said with the fix; nothing passes unjudged."""
    with pytest.raises(PackError, match="cannot be read"):
        read_policy(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("version: 1\n")
    with pytest.raises(PackError, match="fix:"):
        read_policy(tmp_path / "bad.yaml")


def test_the_pack_is_one_the_engine_can_start() -> None:
    """As the language host starts it, from its own directory: it finds the checkout, and without a policy it ends."""
    folder = ROOT / "infra" / "policypack"
    assert "runtime: python" in (folder / "PulumiPolicy.yaml").read_text()
    started = subprocess.run(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(folder)],
        cwd=folder, check=False, capture_output=True, text=True, timeout=60,
        env={"PATH": "/usr/bin:/bin", "ISTHMUS_POLICY": "/none/policy.yaml"},
    )  # fmt: skip
    assert started.returncode == 1
    assert "policy pack isthmus: /none/policy.yaml: cannot be read" in started.stderr
    assert started.stdout == ""
