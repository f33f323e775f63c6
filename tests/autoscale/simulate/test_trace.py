"""Traces and calendars are read strictly, and their errors say where."""

import datetime as dt

import numpy as np
import pytest

from autoscale.simulate.trace import TraceError, read_calendar, read_demand, scored

DEMAND = (
    "minute,count\n2026-01-01T00:00:00+00:00,5\n2026-01-01T00:01:00+00:00,6\n"
    "2026-01-01T00:04:00+00:00,7\n2026-01-01T00:05:00+00:00,8\n"
)
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_missing_minutes_are_zero_and_the_header_is_optional() -> None:
    """Four rows with two minutes missing make six minutes."""
    start, demand = read_demand(DEMAND, "t.csv")
    assert start == START
    assert demand.tolist() == [5, 6, 0, 0, 7, 8]
    assert read_demand(DEMAND.split("\n", 1)[1], "t.csv")[1].tolist() == [5, 6, 0, 0, 7, 8]


def test_coarser_rows_are_spread_over_their_minutes() -> None:
    """Five-minute counts become minutes with the same sum; a missing row stays empty."""
    rows = [("00:00", 50), ("00:05", 100), ("00:10", 10), ("00:20", 5)]
    text = "".join(f"2026-01-01T{at}Z,{count}\n" for at, count in rows)
    demand = read_demand(text, "t.csv")[1]
    assert demand.tolist() == [10] * 5 + [20] * 5 + [2] * 5 + [0] * 5 + [1] * 5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("minute,count\n", "no rows"),
        ("2026-01-01T00:00,5\nyesterday,6\n", "t.csv:2: 'yesterday'"),
        ("2026-01-01T00:00,-5\n", "t.csv:1: '-5'"),
        ("2026-01-01T00:00,nan\n", "t.csv:1: 'nan'"),
        ("2026-01-01T00:00\n", "t.csv:1: expected TIME,COUNT"),
        ("2026-01-01T00:00,5\n2126-01-01T00:00,5\n", "one of its times is wrong"),
    ],
)
def test_a_bad_trace_names_file_line_and_cure(text: str, says: str) -> None:
    """Each way to be wrong is told apart."""
    with pytest.raises(TraceError) as refused:
        read_demand(text, "t.csv")
    assert says in str(refused.value)


def test_a_calendar_without_ends_says_so() -> None:
    """An event without an end is open; one with it is not."""
    text = "start,end,type,expected_peak\n2026-01-01T01:00Z,2026-01-01T03:00Z,flash,900\n2026-01-02T01:00Z,,,\n"
    first, second = read_calendar(text, "c.csv", start=START)
    assert (first.start_min, first.end_min, first.type) == (60, 180, "flash")
    assert first.expected_peak == 900
    assert not first.open_end
    assert second.open_end
    assert second.type == "event"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("when\n2026-01-01T01:00Z\n", "no column 'start'"),
        ("start,end\n2026-01-01T03:00Z,2026-01-01T01:00Z\n", "c.csv:2: end"),
        ("start\n2026-01-01T03:00\n", "both carry an offset"),
        ("start\nsoon\n", "c.csv:2: 'soon'"),
    ],
)
def test_a_bad_calendar_names_file_line_and_cure(text: str, says: str) -> None:
    """End before start, a missing column, a missing offset and no time at all."""
    with pytest.raises(TraceError) as refused:
        read_calendar(text, "c.csv", start=START)
    assert says in str(refused.value)


def test_whole_days_with_events_are_scored() -> None:
    """From midnight before the first event to midnight after the last."""
    events = read_calendar("start\n2026-01-03T12:00Z\n2026-01-04T12:00Z\n", "c.csv", start=START)
    trace = scored("t", start=START, demand=np.ones(10 * 1440), events=events)
    assert (trace.first_min, trace.last_min) == (2 * 1440, 4 * 1440)
    assert trace.at(trace.first_min) == START + dt.timedelta(days=2)
    assert (
        scored("t", start=START, demand=np.ones(9000), events=events, days=1).last_min == 3 * 1440
    )
    assert scored("t", start=START, demand=np.ones(100), events=()).first_min == 50


def test_events_outside_the_trace_are_refused() -> None:
    """Nothing to score is an error, not an empty table."""
    events = read_calendar("start\n2026-03-03T12:00Z\n", "c.csv", start=START)
    with pytest.raises(TraceError, match="no event of the calendar lies within"):
        scored("t", start=START, demand=np.ones(1440), events=events)
