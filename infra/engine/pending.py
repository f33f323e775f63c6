"""What a killed update had begun, read from the state it left. Pure."""

from collections.abc import Sequence
from typing import Literal

import msgspec

TAKEN_OVER = (
    "kubernetes:",
    "pulumi:",
    "isthmus:",
    "pulumi-python:dynamic/isthmus:LocalCluster",
    "command:remote:Command",
)
"""Types that making again takes over, whether the first time got through or not: objects are applied, clusters of
this machine and installations over SSH are brought to what is asked."""
NEVER_TAKEN_OVER = ("kubernetes:helm.sh/",)


class Interrupted(msgspec.Struct, frozen=True, kw_only=True):
    """One operation that was begun and of whose end nobody knows."""

    operation: Literal["creating", "updating", "deleting", "reading", "importing"]
    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.operation} {self.type.rpartition(':')[2]} {self.name}"

    @property
    def lost(self) -> bool:
        """Whether it may exist without anybody knowing of it, and making it again would make a second one."""
        taken = self.type.startswith(TAKEN_OVER) and not self.type.startswith(NEVER_TAKEN_OVER)
        return self.operation == "creating" and not taken


class _Resource(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    urn: str


class _Pending(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["creating", "updating", "deleting", "reading", "importing"]
    resource: _Resource


def interrupted(pending: Sequence[object]) -> tuple[Interrupted, ...]:
    """The operations that a state still calls pending, as the engine exports them."""
    held = msgspec.convert(pending, tuple[_Pending, ...])
    return tuple(
        Interrupted(
            operation=it.type, type=it.resource.type, name=it.resource.urn.rpartition("::")[2]
        )
        for it in held
    )
