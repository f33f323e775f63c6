"""Calendars become occasions with traits."""

import datetime as dt

from autoscale.forecast.occasion import Event, clock_of, occasions


def event(start_min: int, length_min: int = 60, **changes) -> Event:
    return Event(name="e", start_min=start_min, end_min=start_min + length_min, **changes)


def test_events_that_start_together_are_one_occasion() -> None:
    """The longest end and the largest expected peak are kept."""
    both = occasions([event(100, 30, expected_peak=5.0), event(100, 90), event(50, 10)])
    assert [(one.start_min, one.end_min) for one in both] == [(50, 60), (100, 190)]
    assert both[1].expected_peak == 5.0


def test_traits_follow_the_historys_own_calendar() -> None:
    """Minute 0 is a Monday; five days and 13 hours later is a Saturday afternoon."""
    clock = clock_of(dt.datetime(2026, 1, 5, tzinfo=dt.UTC))
    found = clock.traits(event(5 * 1440 + 13 * 60))
    assert (found.weekday, found.minute_of_day) == (5, 780)


def test_a_history_may_begin_in_the_middle_of_a_week() -> None:
    """Minute 0 on a Wednesday at 21:30: three hours later is Thursday."""
    clock = clock_of(dt.datetime(2026, 1, 7, 21, 30, tzinfo=dt.UTC))
    found = clock.traits(event(180))
    assert (found.weekday, found.minute_of_day) == (3, 30)
