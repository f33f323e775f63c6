"""All rules, and what breaks them: asked of one resource, or of a whole stack. Pure."""

from collections.abc import Iterator, Sequence

from infra.rules.exposure import PRIVATE_EXPOSURE
from infra.rules.ground import Ground
from infra.rules.plain_secrets import PLAIN_SECRETS
from infra.rules.production import DIGESTS, TOPIC_DURABILITY
from infra.rules.providers import EXPLICIT, IDENTIFIER
from infra.rules.resource import Resource
from infra.rules.rule import Rule, Violation
from infra.rules.scaling import ONE_OWNER
from infra.rules.sensitivity import PLACEMENT

RULES: tuple[Rule, ...] = (
    PLACEMENT,
    EXPLICIT,
    IDENTIFIER,
    PRIVATE_EXPOSURE,
    ONE_OWNER,
    PLAIN_SECRETS,
    DIGESTS,
    TOPIC_DURABILITY,
)
"""Every one is mandatory."""


def judge(resources: Sequence[Resource], ground: Ground) -> tuple[Violation, ...]:
    """Every violation in a stack, in the order of the resources and the rules."""
    return tuple(
        Violation(rule=rule.id, urn=urn, message=message, remediation=rule.remediation)
        for rule in RULES
        for urn, message in _broken(rule, resources, ground)
    )


def _broken(rule: Rule, resources: Sequence[Resource], ground: Ground) -> Iterator[tuple[str, str]]:
    if rule.check is not None:
        for resource in resources:
            for message in rule.check(resource, ground):
                yield resource.urn, message
    if rule.stack_check is not None:
        yield from rule.stack_check(resources, ground)
