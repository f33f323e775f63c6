"""What a rule is: an id, what it demands, how to mend a violation, and the check. Pure."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from infra.rules.ground import Ground
from infra.rules.resource import Resource

Check = Callable[[Resource, Ground], Iterable[str]]
"""What is wrong with one resource; nothing when it may be."""
StackCheck = Callable[[Sequence[Resource], Ground], Iterable[tuple[str, str]]]
"""What is wrong in a stack: URN and what."""


class Rule(Struct, frozen=True, kw_only=True):
    """One rule over each resource by itself (`check`) or over a whole stack (`stack_check`)."""

    id: str
    demand: str
    remediation: str
    check: Check | None = None
    stack_check: StackCheck | None = None


class Violation(Struct, frozen=True, kw_only=True):
    """One rule broken by one resource."""

    rule: str
    urn: str
    message: str
    remediation: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}; fix: {self.remediation} ({self.urn})"
