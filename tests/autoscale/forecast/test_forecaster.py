"""The forecaster learns when events are over, never before, and its curves add up."""

import numpy as np
import pytest

from autoscale.forecast.accuracy import accuracy
from autoscale.forecast.forecaster import UNKNOWN_HOLD_MIN, Forecaster
from autoscale.forecast.occasion import Clock, Event

LEVEL, EVERY = 20_000.0, 480


def events(count: int, **changes) -> tuple[Event, ...]:
    return tuple(
        Event(
            name=f"e{n}", start_min=720 + EVERY * n, end_min=720 + EVERY * n + 60,
            **{"type": "flash", **changes},
        )
        for n in range(count)
    )  # fmt: skip


def history(of: tuple[Event, ...], size: float = 3.0) -> np.ndarray:
    demand = np.full(of[-1].end_min + 600, LEVEL)
    for one in of:
        demand[one.start_min : one.start_min + 40] *= size
    return demand


def test_an_event_is_learned_in_the_minute_it_is_over() -> None:
    """One minute before its end it is unknown."""
    of = events(2)
    demand, forecaster = history(of), Forecaster(of, Clock(0), q=0.9)
    forecaster.learn(demand[: of[0].end_min - 1])
    assert len(forecaster.known.paths.past) == 0
    forecaster.learn(demand[: of[0].end_min])
    assert len(forecaster.known.paths.past) == 1
    assert np.exp(forecaster.known.paths.past[0].peak_log) == pytest.approx(60_000)


def test_events_do_not_make_ordinary_traffic() -> None:
    """After days of surges ordinary traffic is still flat."""
    of = events(12)
    demand, forecaster = history(of), Forecaster(of, Clock(0), q=0.9)
    forecaster.learn(demand)
    assert forecaster.ordinary(demand, of[-1].start_min + 30) == pytest.approx(LEVEL, rel=0.02)


def test_ordinary_traffic_and_what_events_add_is_the_outlook() -> None:
    """Summed at its bins, the curves are the outlook's demand wherever that is above ordinary traffic."""
    of = events(12)
    demand, forecaster = history(of), Forecaster(of, Clock(0), q=0.9)
    past = demand[: of[11].start_min - 30]
    forecaster.learn(past)
    ordinary, added = forecaster.curves([of[11]], past)
    made = forecaster.outlook(of[11], past)
    at = added.begins_min - ordinary.begins_min + np.arange(len(added.demand)) * added.step_min
    total = ordinary.demand[at] + added.demand
    assert total == pytest.approx(np.maximum(made.demand, ordinary.demand[at]))
    assert total.max() > 58_000
    assert (added.demand >= 0).all()


def test_events_that_overlap_are_not_counted_twice() -> None:
    """Two outlooks of the same hour: together they are no more than the larger."""
    of = events(12)
    near = Event(name="near", start_min=of[11].start_min + 15, end_min=of[11].end_min, type="flash")
    demand, forecaster = history(of), Forecaster((*of, near), Clock(0), q=0.9)
    past = demand[: of[11].start_min - 30]
    forecaster.learn(past)
    single = forecaster.curves([of[11]], past)[1].demand.max()
    ordinary, one, two = forecaster.curves([of[11], near], past)
    both = np.zeros(len(ordinary.demand) + 60)
    for curve in (one, two):
        begins = curve.begins_min - ordinary.begins_min
        minutes = np.repeat(curve.demand, curve.step_min)
        both[begins : begins + len(minutes)] += minutes
    assert both.max() <= 1.3 * single


def test_without_events_there_are_no_curves() -> None:
    """Nothing to plan for."""
    assert Forecaster((), Clock(0), q=0.9).curves([], np.full(2000, LEVEL)) == []


def test_an_open_end_is_learned_from_how_long_events_lasted() -> None:
    """An hour while unknown, then their forty minutes; a given end is obeyed."""
    of = events(6, open_end=True)
    demand, forecaster = history(of), Forecaster(of, Clock(0), q=0.9)
    assert forecaster.end_min(of[0]) == of[0].start_min + min(60, UNKNOWN_HOLD_MIN)
    forecaster.learn(demand[: of[4].end_min])
    assert forecaster.end_min(of[5]) == of[5].start_min + 40
    closed = events(6)
    assert Forecaster(closed, Clock(0), q=0.9).end_min(closed[5]) == closed[5].end_min


def test_what_was_said_at_the_start_is_kept_beside_what_came() -> None:
    """The accuracy report has a line per event that was looked at before its start."""
    of = events(4)
    demand, forecaster = history(of), Forecaster(of, Clock(0), q=0.9)
    for minute in range(300, of[-1].end_min + 1):
        forecaster.learn(demand[:minute])
        coming = [one for one in of if one.start_min - 175 <= minute < one.end_min]
        for one in coming:
            forecaster.outlook(one, demand[:minute])
    assert [one.name for one in forecaster.kept] == ["e0", "e1", "e2", "e3"]
    assert all(one.actual == 60_000 for one in forecaster.kept)
    report = accuracy(forecaster.kept)
    assert report is not None
    assert report.events == 4


def test_decisions_do_not_depend_on_the_future() -> None:
    """A forecaster shown the same past says the same, whatever comes."""
    of = events(6)
    demand = history(of)
    cut = of[4].start_min - 20
    said = []
    for future in (1.0, 9.0):
        world = demand.copy()
        world[cut:] *= future
        forecaster = Forecaster(of, Clock(0), q=0.9)
        forecaster.learn(world[:cut])
        said.append(forecaster.outlook(of[4], world[:cut]).demand.tolist())
    assert said[0] == said[1]


def aimed_after(sizes: list[float]) -> float:
    of = events(len(sizes))
    demand = history(of, size=1.0)
    for one, size in zip(of, sizes, strict=True):
        demand[one.start_min : one.start_min + 40] *= size
    forecaster = Forecaster(of, Clock(0), q=0.9)
    for one in of:
        past = demand[: one.start_min]
        forecaster.learn(past)
        forecaster.outlook(one, past)
    forecaster.learn(demand)
    return forecaster._aimed


def test_events_that_outgrow_the_bound_raise_the_aim() -> None:
    """Ever larger events: it aims higher than asked; ever the same: a little lower."""
    assert aimed_after([1.5**n for n in range(1, 13)]) > 0.9
    assert aimed_after([3.0] * 12) < 0.9
