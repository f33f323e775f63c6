"""The order of stacks, and what one failure stops and what it does not."""

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.orchestrate import (
    CLUSTERS,
    JOINED,
    Action,
    Part,
    StackResult,
    Summary,
    Work,
    carry_out,
    changed,
)

ALL: frozenset[Part] = frozenset({*CLUSTERS, JOINED})
ACTIONS: tuple[Action, ...] = ("up", "preview", "refresh", "down")


def run(
    action: Action, failing: set[Part], present: frozenset[Part] = ALL
) -> tuple[list[Part], Summary]:
    asked: list[Part] = []

    def work(part: Part) -> StackResult:
        asked.append(part)
        return StackResult(
            part=part, stack=f"dev-{part}", status="failed" if part in failing else "ok"
        )

    return asked, carry_out("dev", action, work, present=present)


@pytest.mark.parametrize(
    ("action", "order"),
    [
        ("up", ["public", "private", "fabric"]), ("preview", ["public", "private", "fabric"]),
        ("refresh", ["public", "private", "fabric"]), ("down", ["fabric", "public", "private"]),
    ],
)  # fmt: skip
def test_clusters_come_before_what_joins_them_and_go_after_it(
    action: Action, order: list[Part]
) -> None:
    """Nobody fails: everything in order, exit 0."""
    asked, summary = run(action, set())
    assert asked == order
    assert (summary.exit_code, summary.partial) == (0, False)


@pytest.mark.parametrize("failing", CLUSTERS)
@pytest.mark.parametrize("action", ["up", "preview", "refresh"])
def test_one_cluster_out_of_reach_stops_neither_the_other_nor_the_fabric(
    action: Action, failing: Part
) -> None:
    """All are tried; the summary says partial, exit 1."""
    asked, summary = run(action, {failing})
    assert set(asked) == ALL
    assert (summary.exit_code, summary.partial) == (1, True)


def test_without_any_cluster_there_is_nothing_to_join() -> None:
    """The fabric is skipped with its reason; nothing was done: exit 3."""
    asked, summary = run("up", set(CLUSTERS))
    assert asked == list(CLUSTERS)
    assert summary.stacks[-1].status == "skipped"
    assert "neither cluster" in summary.stacks[-1].error
    assert (summary.exit_code, summary.partial) == (3, False)


def test_a_fabric_that_stays_keeps_its_clusters() -> None:
    """Else what it holds in them would be orphaned; the reason names the fix."""
    asked, summary = run("down", {JOINED})
    assert asked == [JOINED]
    assert {it.status for it in summary.stacks[1:]} == {"skipped"}
    assert all("fix: isthmus down" in it.error for it in summary.stacks[1:])
    assert summary.exit_code == 3


def test_every_failure_of_every_action_is_told() -> None:
    """Whatever fails: each stack is in the summary once, and the exit code is 0 exactly when none failed."""
    for action, bits in product(ACTIONS, product((False, True), repeat=3)):
        failing = {part for part, bad in zip((*CLUSTERS, JOINED), bits, strict=True) if bad}
        _, summary = run(action, failing)
        assert {it.part for it in summary.stacks} == ALL
        assert (summary.exit_code == 0) == (not failing)


@given(st.sets(st.sampled_from((*CLUSTERS, JOINED))), st.sampled_from(["refresh", "down"]))
def test_stacks_that_do_not_exist_are_not_refreshed_or_taken_down(
    present: set[Part], action: Action
) -> None:
    """Going down twice does nothing the second time."""
    asked, summary = run(action, set(), frozenset(present))
    assert set(asked) == present
    assert summary.exit_code == 0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, False), ({"same": 9, "read": 1}, False), ({"same": 9, "update": 1}, True), ({"delete": 0}, False)],
)  # fmt: skip
def test_a_change_is_anything_but_same(changes: dict[str, int], expected: bool) -> None:  # noqa: FBT001
    """Counts of zero are none."""
    assert changed(changes) is expected


def test_what_is_still_to_come_is_partial() -> None:
    """A stack that is ok but for a note: exit 1, and it is not failed."""

    def work(part: Part) -> StackResult:
        note = "without public" if part == JOINED else ""
        return StackResult(part=part, stack=f"dev-{part}", status="ok", note=note)

    summary = carry_out("dev", "up", work, present=ALL)
    assert (summary.partial, summary.exit_code) == (True, 1)


def test_nothing_done_is_not_partial() -> None:
    """Every stack failed: exit 3."""
    _, summary = run("refresh", set(ALL))
    assert (summary.partial, summary.exit_code) == (False, 3)


def test_clusters_are_worked_on_side_by_side_and_told_in_their_order() -> None:
    """Whoever ends first; what joins them comes when both have ended."""
    stages: list[list[Part]] = []

    def backwards(work: Work, parts: Sequence[Part]) -> list[StackResult]:
        stages.append(list(parts))
        done = {part: work(part) for part in reversed(parts)}
        return [done[part] for part in parts]

    def work(part: Part) -> StackResult:
        return StackResult(part=part, stack=f"dev-{part}", status="ok")

    summary = carry_out("dev", "up", work, present=ALL, together=backwards)
    assert stages == [["public", "private"], ["fabric"]]
    assert [it.part for it in summary.stacks] == ["public", "private", "fabric"]


def test_drift_is_a_negative_answer() -> None:
    """A refresh that found a difference exits 1."""

    def work(part: Part) -> StackResult:
        return StackResult(part=part, stack=f"dev-{part}", status="ok", changes={"update": 1})

    summary = carry_out("dev", "refresh", work, present=ALL)
    assert (summary.drift, summary.exit_code) == (True, 1)
