"""The comparison against every kind of damage, made by hand and at random."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from sync.compare import (
    Loads,
    LoadTally,
    Seen,
    Tally,
    compare_loads,
    compare_partition,
    loads_from,
)


def seen(digests: Sequence[int], *, first: int = 0) -> list[Seen]:
    return [
        Seen(first + n, bytes([d]), (f"e{d}", "s", "a", "c", 1, 1)) for n, d in enumerate(digests)
    ]


digests = st.lists(st.integers(0, 5), max_size=30)


@given(digests, st.integers(0, 100))
def test_a_true_copy_has_no_fault(records, first) -> None:
    """Equal sequences, equal records included, are faultless wherever the target's offsets begin."""
    assert compare_partition(seen(records), seen(records, first=first), {}) == Tally(0, 0, 0, 0)


@given(digests.filter(bool), st.data())
def test_a_missing_record_is_lost(records, data) -> None:
    """Leaving one record out is one loss and nothing else."""
    gone = data.draw(st.integers(0, len(records) - 1))
    rest = records[:gone] + records[gone + 1 :]
    found = compare_partition(seen(records), seen(rest), {})
    assert (found.lost, found.duplicate, found.altered) == (1, 0, 0)


@given(digests.filter(bool), st.data())
def test_a_repeated_record_is_a_duplicate(records, data) -> None:
    """Writing one record twice is one duplicate and no loss."""
    again = data.draw(st.sampled_from(records))
    found = compare_partition(seen(records), seen([*records, again]), {})
    assert (found.lost, found.duplicate, found.altered) == (0, 1, 0)


def test_a_changed_record_is_lost_and_altered() -> None:
    """The original did not arrive, and something the source never had did."""
    assert compare_partition(seen([1, 2]), seen([1, 9]), {}) == Tally(1, 0, 0, 1)


def test_swapped_records_are_reordered() -> None:
    """Order within a partition is compared too."""
    assert compare_partition(seen([1, 2, 3]), seen([2, 1, 3]), {}) == Tally(0, 0, 2, 0)


def test_a_dead_letter_stands_in_for_its_record() -> None:
    """A record among the dead letters is not lost; on the target as well it is a stranger there."""
    source = seen([1, 2, 3])
    assert compare_partition(source, seen([1, 3]), {1: bytes([2])}) == Tally(0, 0, 0, 0)
    assert compare_partition(source, seen([1, 2, 3]), {1: bytes([2])}).altered == 1
    assert compare_partition(source, seen([1, 3]), {1: bytes([9])}).altered == 1


def rows(sees: Sequence[Seen], partition: int = 0) -> dict:
    return {(partition, s.offset): s.click for s in sees}


def test_a_faultless_warehouse() -> None:
    """Each record of the target is a row or in quarantine."""
    sees = {0: seen([1, 2, 3])}
    loads = Loads(rows(sees[0][:2]), frozenset({(0, 2)}))
    assert compare_loads(sees, sees, loads) == LoadTally(0, 0, 0)


def test_a_damaged_warehouse() -> None:
    """Missing, stray, doubly held and altered rows are each counted."""
    sees = {0: seen([1, 2, 3])}
    assert compare_loads(sees, sees, Loads(rows(sees[0][:2]), frozenset())).lost == 1
    stray = rows(sees[0]) | {(0, 9): ("e9", "s", "a", "c", 1, 1)}
    assert compare_loads(sees, sees, Loads(stray, frozenset())).duplicate == 1
    assert compare_loads(sees, sees, Loads(rows(sees[0]), frozenset({(0, 1)}))).duplicate == 1
    other = rows(sees[0]) | {(0, 1): ("e2", "s", "other", "c", 1, 1)}
    assert compare_loads(sees, sees, Loads(other, frozenset())).altered == 1


def test_a_record_mirrored_twice_is_a_duplicate_event() -> None:
    """Two target records of one source record have two rows; coordinates alone would call that right."""
    source, target = {0: seen([1, 2])}, {0: seen([1, 2, 2])}
    assert compare_loads(source, target, Loads(rows(target[0]), frozenset())).duplicate == 1


def test_rows_before_the_first_record_read_are_left_out() -> None:
    """A later start compares only what lies behind it."""
    target = {0: seen([2, 3], first=5)}
    held = Loads(
        {(0, 1): ("e1", "s", "a", "c", 1, 1)} | rows(target[0]), frozenset({(0, 2), (1, 0)})
    )
    kept = loads_from(held, target)
    assert (kept.rows, kept.quarantined) == (rows(target[0]), frozenset())
