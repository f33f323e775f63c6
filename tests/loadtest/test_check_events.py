"""Acked clicks against warehouse rows."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.bridge import BridgeVerify, TopicVerify
from contracts.report import Events
from loadtest.check_events import EventRow, check_events, with_link

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


@given(
    st.integers(0, 3), st.integers(0, 3),
    st.sampled_from(["lost", "altered", "reordered", "warehouse_lost", "duplicate", "warehouse_duplicate", ""]),
)  # fmt: skip
def test_the_worse_of_both_checkers_counts(lost: int, duplicate: int, found: str) -> None:
    """By ids or by coordinates: whatever one of them saw is not talked away by the other."""
    clean = dict.fromkeys(
        ("source_records", "target_records", "dead_letters", "lost", "duplicate", "reordered", "altered",
         "warehouse_rows", "warehouse_lost", "warehouse_duplicate", "quarantined"), 0,
    )  # fmt: skip
    topic = TopicVerify(topic="public.clicks", **{**clean, **({found: 2} if found else {})})
    ids = Events(produced=9, warehouse=9, lost=lost, duplicate=duplicate, p50_ms=1, p99_ms=2)
    events = with_link(ids, BridgeVerify(link="l", ok=not found, topics=(topic,)))
    doubled = found in {"duplicate", "warehouse_duplicate"}
    assert events.duplicate == max(duplicate, 2 if doubled else 0)
    assert events.lost == max(lost, 2 if found and not doubled else 0)
