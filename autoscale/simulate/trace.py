"""Demand per minute and the calendar known in advance: what a simulation runs on, read from CSV text.

A trace is two columns, an ISO time and a count per minute; a calendar is `start` and optionally `end`, `type` and
`expected_peak` (requests per minute, the owner's own estimate). Times carry an offset, or are all in one local time.
"""

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from autoscale.forecast.occasion import DAY_MIN, Event

MINUTE_S = 60.0
MINUTES_MAX = 2 * 366 * DAY_MIN
"""Two years of minutes: beyond that a time in the file is a typing error."""
START_NAMES = ("start", "kickoff_local_cest")
DURATION = dt.timedelta(hours=2)
"""How long an event is looked at whose end the calendar does not say."""

Minutes: TypeAlias = NDArray[np.float64]


class TraceError(Exception):
    """A trace or calendar that cannot be used; the message names file, line, expectation and fix."""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Requests per minute from `start` on, scored from `first_min` to `last_min`; before that it is history."""

    name: str
    start: dt.datetime
    demand: Minutes
    events: tuple[Event, ...]
    first_min: int
    last_min: int

    def at(self, minute: int) -> dt.datetime:
        """The time of a minute."""
        return self.start + dt.timedelta(minutes=minute)


def read_demand(text: str, where: str) -> tuple[dt.datetime, Minutes]:
    """Start and requests per minute; missing minutes inside are zero.

    Rows further apart than a minute (most of them by the same step) count a whole step: it is spread evenly.
    """
    rows = _rows(text, where)
    times = [_time(row[0], f"{where}:{line}") for line, row in rows]
    counts = [_count(row, f"{where}:{line}") for line, row in rows]
    start = min(times)
    at = [_minutes(time - start) for time in times]
    if max(at) >= MINUTES_MAX:
        raise TraceError(
            f"{where}: spans more than {MINUTES_MAX} minutes; one of its times is wrong"
        )
    step = _step(at)
    demand = np.zeros(max(at) + step)
    for offset in range(step):
        np.add.at(demand, np.array(at) + offset, np.array(counts) / step)
    return start, demand


def read_calendar(text: str, where: str, *, start: dt.datetime) -> tuple[Event, ...]:
    """The events in order of start; rows with the same start and type are kept, each is an event."""
    reader = csv.DictReader(text.splitlines())
    names = reader.fieldnames or ()
    column = next((name for name in START_NAMES if name in names), None)
    if column is None:
        raise TraceError(
            f"{where}:1: no column 'start' among {list(names)}; add one with ISO times"
        )
    events = [
        _event(row, column, where=f"{where}:{line}", start=start)
        for line, row in enumerate(reader, 2)
    ]
    return tuple(sorted(events, key=lambda event: (event.start_min, event.name)))


def scored(
    name: str,
    *,
    start: dt.datetime,
    demand: Minutes,
    events: Sequence[Event],
    days: int | None = None,
) -> Trace:
    """The trace with its scored part: from the day of the first event to the day after the last.

    Without events, the last half. `days` bounds the length from the first day on.
    """
    if events:
        first = _midnight(start, events[0].start_min)
        last = _midnight(start, events[-1].end_min) + DAY_MIN
    else:
        first, last = len(demand) // 2, len(demand)
    first, last = max(first, 0), min(last, len(demand))
    if days is not None:
        last = min(last, first + days * DAY_MIN)
    if last <= first:
        raise TraceError(f"{name}: no event of the calendar lies within the trace")
    return Trace(
        name=name, start=start, demand=demand, events=tuple(events), first_min=first, last_min=last
    )


def _step(at: Sequence[int]) -> int:
    """The most frequent distance between rows in minutes, at least one."""
    gaps = np.diff(np.unique(at))
    if not len(gaps):
        return 1
    return int(np.bincount(gaps).argmax())


def _midnight(start: dt.datetime, minute: int) -> int:
    at = start + dt.timedelta(minutes=minute)
    return minute - (at.hour * 60 + at.minute)


def _event(row: dict[str, str], column: str, *, where: str, start: dt.datetime) -> Event:
    begins = _time(row[column], where)
    ends = _time(row["end"], where) if row.get("end") else begins + DURATION
    if ends <= begins:
        raise TraceError(f"{where}: end {ends} is not after start {begins}; give an end after it")
    peak = row.get("expected_peak") or None
    kind = row.get("type") or row.get("stage") or "event"
    return Event(
        name=f"{kind} {begins:%Y-%m-%d %H:%M}",
        start_min=_minutes_between(start, begins, where),
        end_min=_minutes_between(start, ends, where),
        type=kind,
        expected_peak=_number(peak, where) if peak is not None else None,
        open_end=not row.get("end"),
    )


def _minutes_between(start: dt.datetime, at: dt.datetime, where: str) -> int:
    if (start.tzinfo is None) != (at.tzinfo is None):
        raise TraceError(f"{where}: trace and calendar must both carry an offset, or neither")
    return _minutes(at - start)


def _minutes(span: dt.timedelta) -> int:
    return round(span.total_seconds() // MINUTE_S)


def _rows(text: str, where: str) -> list[tuple[int, list[str]]]:
    rows = [(line, row) for line, row in enumerate(csv.reader(text.splitlines()), 1) if row]
    if rows and not _is_time(rows[0][1][0]):
        rows = rows[1:]  # a header
    if not rows:
        raise TraceError(f"{where}: no rows; expected lines of TIME,COUNT")
    return rows


def _is_time(text: str) -> bool:
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _time(text: str, where: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise TraceError(
            f"{where}: {text!r} is no ISO time such as 2026-11-11T00:00:00+08:00"
        ) from None


def _count(row: Iterable[str], where: str) -> float:
    cells = list(row)
    if len(cells) < 2:
        raise TraceError(f"{where}: expected TIME,COUNT")
    return _number(cells[1], where)


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise TraceError(f"{where}: {text!r} is no count of requests per minute (0 or more)")
    return value
