"""What the policy pack says of a described stack: the same rules over the same resources."""

from typing import Any

from infra.config import Settings
from infra.policy_file import read_policy
from infra.rules.ground import Ground
from infra.rules.resource import Resource
from infra.rules.rule import Violation
from infra.rules.rulebook import judge
from infra.rules.values import SECRET, properties
from infra.stacks import ROOT
from tests.infra.stage import SECRET_MARK, Described, Made


def violations(described: Described, stack: str) -> tuple[Violation, ...]:
    """Every rule broken by a stack of that name, under the shipped policy."""
    policy, _ = read_policy(Settings(), ROOT)
    return judge([_resource(it, stack) for it in described.made], Ground(policy=policy))


def _resource(made: Made, stack: str) -> Resource:
    props = {key: _masked(it, key, made.secrets) for key, it in made.inputs.items()}
    provider = made.provider.rpartition("::")[0].rpartition("::")[2]
    return Resource(
        urn=f"urn:pulumi:{stack}::isthmus::{made.type}::{made.name}", type=made.type,
        name=made.name, props=properties(props), provider=provider,
    )  # fmt: skip


def _masked(value: Any, path: str, secrets: tuple[str, ...]) -> Any:
    """Secrets as the engine marks them."""
    if path in secrets:
        return {SECRET_MARK: SECRET, "value": value}
    if isinstance(value, dict):
        return {key: _masked(it, f"{path}.{key}", secrets) for key, it in value.items()}
    if isinstance(value, list):
        return [_masked(it, f"{path}.{n}", secrets) for n, it in enumerate(value)]
    return value
