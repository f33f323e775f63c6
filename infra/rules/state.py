"""The rules over what is stored: a stack as `pulumi stack export` writes it. Pure.

What was made before a rule was, or by hand, is found here without running a program or asking a cloud.
"""

import msgspec

from infra.rules.ground import Ground
from infra.rules.resource import Resource
from infra.rules.rule import Violation
from infra.rules.rulebook import judge
from infra.rules.values import properties
from policy.model import Policy


class StateError(Exception):
    """What was given is no exported stack; the text says what was expected."""


class _Stored(msgspec.Struct, frozen=True):
    urn: str
    type: str
    inputs: dict[str, object] = {}
    provider: str = ""
    delete: bool = False


class _Deployment(msgspec.Struct, frozen=True):
    resources: tuple[_Stored, ...] = ()


class _Export(msgspec.Struct, frozen=True):
    version: int
    deployment: _Deployment


def stored_resources(data: bytes) -> tuple[Resource, ...]:
    """The resources of an exported stack, without those that are only waiting to be deleted. Raises `StateError`."""
    try:
        export = msgspec.json.decode(data, type=_Export)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StateError(
            f"not an exported stack ({error}); expected what pulumi stack export writes; "
            "fix: pulumi stack export --file state.json"
        ) from error
    return tuple(
        Resource(
            urn=it.urn,
            type=it.type,
            name=it.urn.rpartition("::")[2],
            props=properties(it.inputs),
            provider=provider_name(it.provider),
        )
        for it in export.deployment.resources
        if not it.delete
    )


def provider_name(reference: str) -> str:
    """The name in a provider's reference `URN::ID`, empty when there is none."""
    parts = reference.split("::")
    return parts[3] if len(parts) > 4 else ""


def judge_state(data: bytes, policy: Policy) -> tuple[Violation, ...]:
    """Every violation in an exported stack. Raises `StateError`."""
    return judge(stored_resources(data), Ground(policy=policy))
