"""Slice plans: every partition in exactly one slice, ids that do not move, records of a change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.plan import (
    PlanError,
    TopicPlan,
    grown,
    ids_to_fence,
    partitions_of,
    resized,
    settled,
    slice_id,
    slices_at_creation,
)

counts = st.integers(1, 64)


def plan(*, starts=(0, 0, 0, 0), slices=2, ever=2) -> TopicPlan:
    return TopicPlan(
        topic="clicks", target="public.clicks", source_id="s", target_id="t", progress_id="p",
        starts=starts, slices=slices, slices_ever=ever,
    )  # fmt: skip


@given(counts, counts)
def test_every_partition_has_one_slice(partitions, slices_max) -> None:
    """The slices' partitions are disjoint and together all of them."""
    slices = slices_at_creation(partitions, slices_max)
    owned = [
        p for n in range(slices) for p in partitions_of(n, partitions=partitions, slices=slices)
    ]
    assert sorted(owned) == list(range(partitions))


@given(counts, counts, counts)
def test_added_partitions_move_none_that_exists(partitions, more, slices_max) -> None:
    """A partition stays in its slice when partitions are added."""
    slices = slices_at_creation(partitions, slices_max)
    for number in range(slices):
        before = set(partitions_of(number, partitions=partitions, slices=slices))
        after = set(partitions_of(number, partitions=partitions + more, slices=slices))
        assert before == {p for p in after if p < partitions}


def test_impossible_plans_are_refused() -> None:
    """No partitions, no slices, a slice beyond the count: refused with what was expected."""
    for partitions, slices_max in ((0, 1), (1, 0)):
        with pytest.raises(PlanError, match="at least 1"):
            slices_at_creation(partitions, slices_max)
    with pytest.raises(PlanError, match="expected 0 to 1"):
        partitions_of(2, partitions=4, slices=2)
    with pytest.raises(PlanError, match="expected 1 to 4"):
        resized(plan(), 5)


def test_an_id_names_link_topic_and_slice() -> None:
    """The transactional id does not depend on who runs the slice."""
    assert slice_id("link", "clicks", slice_no=3) == "link/clicks/3"


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_every_id_there_ever_was_is_fenced(counts_over_time) -> None:
    """After any sequence of changes the ids to fence cover every slice of every count."""
    current = plan(slices=2, ever=2)
    for count in counts_over_time:
        current = settled(resized(current, count))
    ever = max([2, *counts_over_time])
    assert ids_to_fence("link", current) == tuple(f"link/clicks/{n}" for n in range(ever))


def test_a_change_is_pending_until_it_is_settled() -> None:
    """A crash between record and fencing leaves a record that says so."""
    assert resized(plan(), 4).pending
    assert not settled(resized(plan(), 4)).pending


def test_growth_keeps_recorded_starts() -> None:
    """New partitions start at their first record; the old starts stand; shrinking changes nothing."""
    assert grown(plan(starts=(5, 7)), 4).starts == (5, 7, 0, 0)
    assert grown(plan(starts=(5, 7)), 1).starts == (5, 7)
