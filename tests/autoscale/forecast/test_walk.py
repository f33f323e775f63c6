"""A walk judges each event by the past before it."""

import numpy as np
import pytest

from autoscale.forecast.accuracy import accuracy
from autoscale.forecast.forecaster import Forecaster
from autoscale.forecast.occasion import Clock, Event
from autoscale.forecast.walk import walk


def events(count: int) -> tuple[Event, ...]:
    return tuple(
        Event(name=f"e{n}", start_min=900 + 720 * n, end_min=960 + 720 * n) for n in range(count)
    )


def history(of: tuple[Event, ...], seed: int = 1) -> np.ndarray:
    demand, rng = np.full(of[-1].start_min - 30, 5000.0), np.random.default_rng(seed)
    for one in of[:-1]:
        demand[one.start_min : one.end_min] *= 3 * np.exp(0.2 * rng.standard_normal())
    return demand


def test_events_over_are_judged_and_the_next_is_looked_at() -> None:
    """Thirty events: 29 lines of accuracy, coverage near the quantile, one outlook near three times."""
    of = events(30)
    forecaster = Forecaster(of, Clock(0), q=0.9)
    coming = walk(forecaster, of, history(of))
    assert [one.event.name for one in coming] == ["e29"]
    assert coming[0].outlook.middle.max() == pytest.approx(15_000, rel=0.2)
    report = accuracy(forecaster.kept)
    assert report is not None
    assert report.events == 29
    assert report.coverage >= 0.8
    assert report.middle_error < 0.4


def test_what_was_said_of_an_event_ignores_what_came_after() -> None:
    """A different second half leaves the lines of the first half as they are."""
    of = events(12)
    one = Forecaster(of, Clock(0), q=0.9)
    two = Forecaster(of, Clock(0), q=0.9)
    demand = history(of)
    walk(one, of, demand)
    other = demand.copy()
    other[of[6].start_min - 200 :] *= 5
    walk(two, of, other)
    assert one.kept[:6] == two.kept[:6]
    assert one.kept[7:] != two.kept[7:]


def test_an_empty_history_knows_only_the_prior() -> None:
    """No minute, no failure."""
    of = events(2)
    coming = walk(Forecaster(of, Clock(0), q=0.9), of, np.zeros(0))
    assert [one.outlook.source for one in coming] == ["prior", "prior"]
