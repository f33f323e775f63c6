"""The rules as a Pulumi policy pack: what the engine sends becomes `Resource`s, what breaks a rule a violation.

`infra/policypack` is what `--policy-pack` names; it only calls `run`.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

import msgspec
import pulumi_policy as pp
from pulumi_policy import policy as pp_internal
from pulumi_policy.proxy import UnknownValueError

from infra.config import Settings
from infra.rules.ground import Ground
from infra.rules.resource import Resource
from infra.rules.rule import Rule
from infra.rules.rulebook import RULES
from infra.rules.values import SECRET, SIGNATURE, properties
from policy.load import load_policy
from policy.model import Policy
from policy.problems import PolicyError

NAME = "isthmus"
ROOT = Path(__file__).parents[1]
POLICY_ENV = "ISTHMUS_POLICY"


class PackError(Exception):
    """The pack cannot judge anything: what, expected, fix."""


class _Given(Protocol):
    """What the engine tells of a resource, before an update and in a stack alike."""

    @property
    def resource_type(self) -> str: ...
    @property
    def props(self) -> Mapping[str, object]: ...
    @property
    def urn(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def provider(self) -> pp.PolicyProviderResource | None: ...


def policy_path(environ: Mapping[str, str], root: Path = ROOT) -> Path:
    """The policy file: `ISTHMUS_POLICY`, else the stack's `isthmus:policy`, else the project's default."""
    if named := environ.get(POLICY_ENV):
        return Path(named)
    try:
        config = msgspec.json.decode(environ.get("PULUMI_CONFIG", "{}"), type=dict[str, object])
    except msgspec.DecodeError:
        config = {}
    return root / str(config.get("isthmus:policy") or Settings().policy)


def read_policy(path: Path) -> Policy:
    """The policy. Raises `PackError`: without it nothing may pass."""
    try:
        return load_policy(path.read_bytes(), str(path))
    except OSError as error:
        raise PackError(
            f"{path}: cannot be read ({error.strerror}); expected the policy file; "
            f"fix: name it in {POLICY_ENV} or isthmus:policy"
        ) from error
    except PolicyError as error:
        raise PackError(str(error)) from error


def policies(ground: Ground, rules: Sequence[Rule] = RULES) -> list[pp.Policy]:
    """Each rule as a mandatory policy of the pack."""
    return [_policy(rule, ground) for rule in rules]


def _policy(rule: Rule, ground: Ground) -> pp.Policy:
    check, stack_check = rule.check, rule.stack_check
    if check is not None:

        def validate(args: pp.ResourceValidationArgs, report: pp.ReportViolation) -> None:
            for message in check(resource_of(cast("_Given", args)), ground):
                report(f"{message}. Fix: {rule.remediation}", None)

        return pp.ResourceValidationPolicy(
            name=rule.id, description=rule.demand, validate=validate,
            enforcement_level=pp.EnforcementLevel.MANDATORY, remediation_steps=rule.remediation,
        )  # fmt: skip

    def validate_stack(args: pp.StackValidationArgs, report: pp.ReportViolation) -> None:
        if stack_check is not None:
            held = [resource_of(cast("_Given", it)) for it in args.resources]
            for urn, message in stack_check(held, ground):
                report(f"{message}. Fix: {rule.remediation}", urn)

    return pp.StackValidationPolicy(
        name=rule.id, description=rule.demand, validate=validate_stack,
        enforcement_level=pp.EnforcementLevel.MANDATORY, remediation_steps=rule.remediation,
    )  # fmt: skip


def resource_of(given: _Given) -> Resource:
    """A resource as the rules see it."""
    return Resource(
        urn=given.urn,
        type=given.resource_type,
        name=given.name,
        props=properties(cast("Mapping[str, object]", _plain(given.props))),
        provider=given.provider.name if given.provider is not None else "",
    )


def _plain(value: object) -> object:
    """The value behind the SDK's proxies, which raise for what is not known before the run."""
    match value:
        case Mapping():
            held = cast("Mapping[str, object]", value)
            return {key: _item(held, key) for key in held}
        case Sequence() if not isinstance(value, str | bytes):
            items = cast("Sequence[object]", value)
            return [_item(items, n) for n in range(len(items))]
        case _:
            return value


def _item(held: Mapping[str, object] | Sequence[object], key: str | int) -> object:
    try:
        return _plain(held[key])  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownArgumentType] -- key fits
    except UnknownValueError as unknown:
        return unknown.unknown_type_sentinel


def mark_secrets() -> None:
    """Make the SDK hand on which properties are secret: it would show the rules their plain values instead.

    Raises `PackError` when the SDK is not the one this was written for.
    """
    if not hasattr(pp_internal, "deserialize_properties"):
        raise PackError(
            "pulumi_policy has changed; expected deserialize_properties in pulumi_policy.policy; "
            "fix: install the version in requirements.lock"
        )
    pp_internal.deserialize_properties = marked  # pyright: ignore[reportPrivateImportUsage] -- the one place


def marked(props: dict[str, object], proxy_secrets: bool = False) -> dict[str, object]:  # noqa: ARG001, FBT001, FBT002 - the SDK's signature
    """The properties as the engine sends them, a secret as the mark it came in and without its value."""
    return {key: _marked(value) for key, value in props.items()}


def _marked(value: object) -> object:
    match value:
        case dict():
            held = cast("dict[str, object]", value)
            if held.get(SIGNATURE) == SECRET:
                return {SIGNATURE: SECRET}
            return {key: _marked(item) for key, item in held.items()}
        case list():
            return [_marked(item) for item in cast("list[object]", value)]
        case _:
            return value


def run() -> None:
    """Serve the pack until the engine is done with it; exits with 1, saying why, when it cannot."""
    try:
        mark_secrets()
        ground = Ground(policy=read_policy(policy_path(os.environ)))
    except PackError as error:
        sys.stderr.write(f"policy pack {NAME}: {error}\n")
        raise SystemExit(1) from error
    pp.PolicyPack(
        name=NAME,
        policies=policies(ground),
        enforcement_level=pp.EnforcementLevel.MANDATORY,
        description="A sensitive byte never reaches a site that may not hold it.",
    )
