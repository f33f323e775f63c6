"""In which order the stacks of an environment are worked on, and what is left to do when one fails. Pure.

A cluster's stack never waits for the other cluster: that is the point of having two. The fabric joins what is
there and comes last; on the way down it goes first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

Action = Literal["up", "preview", "refresh", "down"]
Part = Literal["public", "private", "fabric"]
Status = Literal["ok", "failed", "skipped"]

CLUSTERS: tuple[Part, ...] = ("public", "private")
JOINED: Part = "fabric"
PARTS: tuple[Part, ...] = (*CLUSTERS, JOINED)


class StackResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one stack; `changes` counts resources by operation.

    `error` and `note` are for people, without secrets; a note says what of a stack that is ok is still to come.
    """

    part: Part
    stack: str
    status: Status
    changes: dict[str, int] = {}
    error: str = ""
    note: str = ""
    duration_s: float = 0.0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """An action on a whole environment; `partial` says that something was done and something was not."""

    schema: int = 1
    environment: str
    action: Action
    stacks: tuple[StackResult, ...]
    partial: bool
    drift: bool = False

    @property
    def exit_code(self) -> int:
        """0 all done, 1 partial or drift, 3 nothing could be done."""
        if all(it.status == "ok" for it in self.stacks):
            return 1 if self.drift or self.partial else 0
        return 1 if self.partial else 3


Work = Callable[[Part], StackResult]
"""Do the action on one stack; failures are results, not exceptions."""
Together = Callable[[Work, Sequence[Part]], Iterable[StackResult]]
"""Do the work on several stacks that do not wait for each other; results in their order."""


def carry_out(
    environment: str,
    action: Action,
    work: Work,
    *,
    present: frozenset[Part],
    together: Together = map,
) -> Summary:
    """Work on every stack in order; `present` are those that exist, which is all `refresh` and `down` look at."""
    results: dict[Part, StackResult] = {}
    for stage in stages_of(action):
        wanted: list[Part] = [it for it in stage if action in {"up", "preview"} or it in present]
        blocked: dict[Part, str] = {
            it: why for it in wanted if (why := blocked_by(action, it, results))
        }
        for part, why in blocked.items():
            results[part] = StackResult(
                part=part, stack=stack_name(environment, part), status="skipped", error=why
            )
        free: list[Part] = [it for it in wanted if it not in blocked]
        results.update(zip(free, together(work, free), strict=True))
    stacks = tuple(results.values())
    return Summary(
        environment=environment,
        action=action,
        stacks=stacks,
        partial=len({it.status == "ok" for it in stacks}) > 1 or any(it.note for it in stacks),
        drift=action == "refresh" and any(changed(it.changes) for it in stacks),
    )


def stages_of(action: Action) -> tuple[tuple[Part, ...], ...]:
    """Clusters, side by side, before what joins them; on the way down after it."""
    return ((JOINED,), CLUSTERS) if action == "down" else (CLUSTERS, (JOINED,))


def blocked_by(action: Action, part: Part, results: Mapping[Part, StackResult]) -> str:
    """Why `part` must not be worked on now; empty when it may.

    One cluster down does not stop the fabric, which goes on with the other; both down does. A fabric that could
    not be taken down still holds resources in the clusters, so these stay: nothing is orphaned.
    """
    failed = {name for name, it in results.items() if it.status != "ok"}
    if action == "down" and part != JOINED and JOINED in failed:
        return "the fabric is still there; fix: isthmus down again once its cluster answers"
    if action != "down" and part == JOINED and failed >= set(CLUSTERS):
        return "neither cluster could be brought up"
    return ""


def changed(changes: Mapping[str, int]) -> bool:
    """Whether a run changed anything; `same` and `read` change nothing."""
    return any(count for operation, count in changes.items() if operation not in {"same", "read"})


def stack_name(environment: str, part: Part) -> str:
    """`<environment>-<part>`."""
    return f"{environment}-{part}"
