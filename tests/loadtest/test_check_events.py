"""Acked clicks against warehouse rows."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest.check_events import EventRow, check_events

IDS = st.lists(st.text("abc", min_size=1, max_size=4), unique=True, min_size=1, max_size=20)


def rows(ids: list[str]) -> list[EventRow]:
    return [EventRow(event_id=event_id, latency_ms=float(i)) for i, event_id in enumerate(ids)]


@given(IDS)
def test_each_acked_event_once_is_whole(ids: list[str]) -> None:
    """As many rows as acks, one each: nothing lost, nothing duplicate."""
    events = check_events(ids, rows(ids))
    assert (events.produced, events.warehouse, events.lost, events.duplicate) == (
        len(ids),
        len(ids),
        0,
        0,
    )


@given(IDS, st.data())
def test_every_missing_row_is_a_lost_event(ids: list[str], data: st.DataObject) -> None:
    """Dropping any rows counts exactly those as lost."""
    kept = data.draw(st.lists(st.sampled_from(ids), unique=True))
    assert check_events(ids, rows(kept)).lost == len(ids) - len(kept)


@given(IDS, st.data())
def test_every_extra_row_is_a_duplicate(ids: list[str], data: st.DataObject) -> None:
    """Repeating any rows counts each repetition."""
    extra = data.draw(st.lists(st.sampled_from(ids)))
    assert check_events(ids, rows(ids + extra)).duplicate == len(extra)


def test_a_row_nobody_was_told_about_is_no_fault() -> None:
    """An unacknowledged click may have been stored all the same."""
    events = check_events(["a"], rows(["a", "b"]))
    assert (events.lost, events.duplicate) == (0, 0)


def test_quantiles_come_from_the_ordered_rows() -> None:
    """p50 and p99 of 0..99 are 50 and 99."""
    events = check_events([], rows([f"e{i}" for i in range(100)]))
    assert (events.p50_ms, events.p99_ms) == (50.0, 99.0)
