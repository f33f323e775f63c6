"""Curves of promotions in sight."""

import datetime as dt
import threading

import numpy as np
import pytest

from autoscale.control.forecasts import Forecasts
from autoscale.forecast.readings import ReadingError
from contracts.promotion import Promotion
from tests.autoscale.control.fake_shop import FakeClock
from tests.autoscale.forecast.test_promised import KEY, START, history, promotion

SALES = [promotion(day) for day in range(1, 12)]


class Learned:
    """A history that grows with the clock, and may be out of reach."""

    def __init__(self, promotions: list[Promotion] = SALES) -> None:
        self.clock = FakeClock()
        self.clock.at = START + dt.timedelta(days=11, hours=11, minutes=30)
        self.promotions, self.away, self.asked = promotions, False, 0
        self.forecasts = Forecasts(self.history, self.clock)

    def history(self, key: str, until_s: int) -> tuple[dt.datetime, np.ndarray] | None:
        self.asked += 1
        if self.away:
            raise ReadingError("Prometheus is away")
        if key != KEY:
            return None
        minutes = (until_s - int(START.timestamp())) // 60
        return START, history(12)[:minutes]

    def round(self) -> list[str]:
        self.forecasts.current(self.promotions)
        self.forecasts.learn()
        return [one.promotion for one in self.forecasts.current(self.promotions)]


def test_a_promotion_in_sight_gets_ordinary_traffic_and_what_it_adds() -> None:
    """From the history of its workload, by those that are over."""
    learned = Learned()
    assert learned.round() == ["", "default/p11"]
    assert learned.asked == 1


def test_a_history_out_of_reach_leaves_what_was_learned() -> None:
    """And nothing where nothing was: the owner's estimate counts."""
    learned = Learned()
    learned.away = True
    assert learned.round() == []
    learned.away = False
    assert learned.round() == ["", "default/p11"]
    learned.away = True
    assert learned.round() == ["", "default/p11"]
    assert learned.forecasts.failures == 2


@pytest.mark.parametrize("hours", [-12, 3])
def test_before_and_after_nobody_is_asked(hours: int) -> None:
    """Out of sight, or over."""
    learned = Learned()
    learned.clock.at += dt.timedelta(hours=hours)
    learned.promotions = [promotion(11)]
    assert learned.round() == []
    assert learned.asked == 0


def test_a_workload_without_a_query_has_no_curve() -> None:
    """It is no fault."""
    learned = Learned([promotion(11, name="other")])
    assert learned.round() == []
    assert learned.forecasts.failures == 0


def test_rounds_go_on_until_they_are_stopped() -> None:
    """One at once."""
    learned, stop = Learned(), threading.Event()
    learned.forecasts.current(SALES)
    thread = threading.Thread(target=learned.forecasts.run, args=(stop, 60.0))
    thread.start()
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
