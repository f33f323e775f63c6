"""Small traces for tests."""

import datetime as dt

import numpy as np

from autoscale.forecast.occasion import Event
from autoscale.simulate.trace import Trace

START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)  # a Monday


def flat(level: float = 20_000.0, *, days: float = 1.0, events: tuple[Event, ...] = ()) -> Trace:
    """The same demand in every minute, all scored but the first six hours."""
    minutes = int(days * 1440)
    return Trace(
        name="flat", start=START, demand=np.full(minutes, level), events=events, first_min=360,
        last_min=minutes,
    )  # fmt: skip


def event(start_min: int, length_min: int = 60, **changes) -> Event:
    """An event."""
    return Event(
        name=f"e{start_min}", start_min=start_min, end_min=start_min + length_min, **changes
    )


def surges(
    count: int,
    *,
    every_min: int = 720,
    size: float = 3.0,
    level: float = 20_000.0,
    first_min: int = 720,
) -> Trace:
    """Events that multiply a flat demand by `size` for an hour, three times a day."""
    events = tuple(event(first_min + every_min * n) for n in range(count))
    minutes = first_min + every_min * count + 360
    demand = np.full(minutes, level)
    for one in events:
        demand[one.start_min : one.end_min] *= size
    return Trace(
        name="surges", start=START, demand=demand, events=events, first_min=360, last_min=minutes
    )  # fmt: skip
