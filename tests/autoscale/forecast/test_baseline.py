"""Ordinary traffic is found under events, gaps and short history."""

import numpy as np
import pytest

from autoscale.forecast.baseline import fit

WEEK = 7 * 1440


def shop(weeks: int) -> np.ndarray:
    minute = np.arange(weeks * WEEK)
    weekend = np.where(minute // 1440 % 7 >= 5, 2.0, 1.0)
    return 1000.0 * weekend * (1.5 - np.cos(minute % 1440 / 1440 * 2 * np.pi))


def test_a_weekly_pattern_is_learned() -> None:
    """Four weeks predict the fifth within a few percent."""
    demand = shop(5)
    found = fit(demand[: 4 * WEEK], np.ones(4 * WEEK, dtype=bool), phase_min=0)
    minutes = np.arange(4 * WEEK, 5 * WEEK)
    off = np.abs(found.at(minutes) / demand[minutes] - 1)
    assert np.median(off) < 0.02
    assert found.trend == pytest.approx(1.0, abs=0.02)


def test_masked_events_leave_no_trace() -> None:
    """A sale every Tuesday noon, masked, does not raise the level of Tuesdays."""
    demand, plain = shop(4), np.ones(4 * WEEK, dtype=bool)
    clean = fit(demand, plain, phase_min=0)
    for week in range(4):
        at = week * WEEK + 1440 + 720
        demand[at : at + 60] *= 10
        plain[at : at + 60] = False
    found = fit(demand, plain, phase_min=0)
    assert found.at(np.array([1440 + 750]))[0] == pytest.approx(
        clean.at(np.array([1440 + 750]))[0], rel=0.5
    )
    assert (
        fit(demand, np.ones(4 * WEEK, dtype=bool), phase_min=0).at(np.array([1440 + 750]))[0]
        > 2 * found.at(np.array([1440 + 750]))[0]
    )


def test_the_last_day_moves_the_level_within_limits() -> None:
    """Doubled traffic doubles the forecast; a tenfold day moves it by four at most."""
    demand = shop(4)
    demand[-1440:] *= 2
    assert fit(demand, np.ones(len(demand), dtype=bool), phase_min=0).trend == pytest.approx(
        1.8, abs=0.25
    )
    demand[-1440:] *= 50
    assert fit(demand, np.ones(len(demand), dtype=bool), phase_min=0).trend <= 4.0


def test_a_short_history_uses_hours_of_the_day() -> None:
    """Three days predict the fourth by its hour."""
    demand = shop(1)[: 4 * 1440]
    found = fit(demand[: 3 * 1440], np.ones(3 * 1440, dtype=bool), phase_min=0)
    minutes = np.arange(3 * 1440, 4 * 1440)
    assert np.median(np.abs(found.at(minutes) / demand[minutes] - 1)) < 0.05


def test_no_history_and_no_ordinary_minute_are_survived() -> None:
    """Zero without history; the mean of what there is when every minute is an event's."""
    assert fit(np.zeros(0), np.zeros(0, dtype=bool), phase_min=0).at(np.array([5]))[0] == 0.0
    assert fit(np.full(600, 7.0), np.zeros(600, dtype=bool), phase_min=0).at(np.array([5]))[
        0
    ] == pytest.approx(7.0)
