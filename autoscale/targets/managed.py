"""Who owns a field, as the API server's own book (managedFields) says: atomic with the value, safe after a crash. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

import msgspec

from autoscale.kube.objects import ManagedFields
from autoscale.kube.writes import MANAGER

APPLY = "Apply"


class Owner(msgspec.Struct, frozen=True):
    """One manager of a field; `declares` tells one that applies its whole wish again and again (GitOps)."""

    manager: str
    declares: bool


class Ownership(msgspec.Struct, frozen=True, kw_only=True):
    """Of one field: whether it is ours, who else has it, and when we last changed anything."""

    ours: bool
    others: tuple[Owner, ...]
    changed_at: datetime | None

    @property
    def other(self) -> Owner:
        """The first of the others, one that declares before one that wrote once; nobody's name is empty."""
        ordered = sorted(self.others, key=lambda one: not one.declares)
        return ordered[0] if ordered else Owner("", declares=False)


def ownership(fields: Sequence[ManagedFields], *path: str) -> Ownership:
    """Of `spec`, `minReplicas` and the like; writes through /status own no wish."""
    holders = [one for one in fields if one.subresource != "status" and _has(one.fields, path)]
    mine = [one for one in holders if (one.manager, one.operation) == (MANAGER, APPLY)]
    return Ownership(
        ours=bool(mine),
        others=tuple(
            Owner(one.manager, one.operation == APPLY) for one in holders if one not in mine
        ),
        changed_at=max((one.time for one in mine if one.time is not None), default=None),
    )


def without_ours(fields: Sequence[ManagedFields]) -> tuple[ManagedFields, ...]:
    """The book as it is once nothing of the object's wish is ours; status stays."""
    return tuple(
        one for one in fields
        if (one.manager, one.operation, one.subresource) != (MANAGER, APPLY, "")
    )  # fmt: skip


def _has(fields: object, path: Sequence[str]) -> bool:
    for name in path:
        if not isinstance(fields, dict):
            return False
        known = cast("dict[str, object]", fields)
        if f"f:{name}" not in known:
            return False
        fields = known[f"f:{name}"]
    return True


def status_written(fields: Sequence[ManagedFields]) -> datetime | None:
    """When we last changed the object's status: until then, what it accounts for is in it."""
    times = [
        one.time for one in fields
        if (one.manager, one.subresource) == (MANAGER, "status") and one.time is not None
    ]  # fmt: skip
    return max(times, default=None)
