"""Events of a calendar in minutes of a history, and where those minutes lie in the week."""

import datetime as dt
from collections.abc import Sequence

import msgspec

from autoscale.forecast.multiplier import Traits

DAY_MIN = 1440
WEEK_MIN = 7 * DAY_MIN


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One promotion (or match) of the calendar, in minutes from the start of the history.

    `open_end`: the calendar says no end; `end_min` is then only how long its demand is attributed to it.
    """

    name: str
    start_min: int
    end_min: int
    type: str = "event"
    expected_peak: float | None = None
    open_end: bool = False


class Clock(msgspec.Struct, frozen=True):
    """Where minutes lie in the week: `phase_min` is how far into a Monday-first week minute 0 is."""

    phase_min: int

    def traits(self, event: Event) -> Traits:
        """What the calendar says of an event."""
        of_week = (event.start_min + self.phase_min) % WEEK_MIN
        return Traits(type=event.type, weekday=of_week // DAY_MIN, minute_of_day=of_week % DAY_MIN)


def clock_of(start: dt.datetime) -> Clock:
    """The clock of a history that begins at `start`, in that time's own zone."""
    return Clock(start.weekday() * DAY_MIN + start.hour * 60 + start.minute)


def occasions(events: Sequence[Event]) -> tuple[Event, ...]:
    """Events that start in the same minute are one occasion: the longest, with the largest expected peak."""
    by_start: dict[int, Event] = {}
    for event in events:
        other = by_start.get(event.start_min)
        if other is None:
            by_start[event.start_min] = event
            continue
        peaks = [one.expected_peak for one in (event, other) if one.expected_peak is not None]
        by_start[event.start_min] = msgspec.structs.replace(
            other, end_min=max(event.end_min, other.end_min), expected_peak=max(peaks, default=None)
        )
    return tuple(by_start[start] for start in sorted(by_start))
