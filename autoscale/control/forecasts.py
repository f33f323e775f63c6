"""Demand curves of promotions in sight, learned from five weeks of history in a thread of its own.

A history that cannot be read changes nothing: the last curves stay, and without any the owner's own estimate counts.
"""

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

import structlog

from autoscale.control.clock import Clock
from autoscale.forecast.fetch import History
from autoscale.forecast.promised import Promised
from autoscale.forecast.readings import ReadingError
from autoscale.plan.model import Forecast
from contracts.promotion import Promotion, workload_keys

SIGHT = dt.timedelta(hours=9)
"""A promotion further off is planned by its owner's estimate: its curve would change hourly and nothing with it."""

_log = structlog.stdlib.get_logger("autoscale")


class Forecasts:
    """`history` gives the requests per minute of a workload, up to a moment; None where there is no query."""

    def __init__(self, history: Callable[[str, int], History | None], clock: Clock) -> None:
        self._history, self._clock = history, clock
        self._lock = threading.Lock()
        self._promotions: tuple[Promotion, ...] = ()
        self._found: dict[str, list[Forecast]] = {}
        self.failures = 0

    def current(self, promotions: Sequence[Promotion]) -> list[Forecast]:
        """What was learned last; these promotions are learned for from now on."""
        with self._lock:
            self._promotions = tuple(promotions)
            return [one for several in self._found.values() for one in several]

    def learn(self) -> None:
        """One round over the workloads of promotions in sight; others lose their curves."""
        now = self._clock.now()
        with self._lock:
            promotions = self._promotions
        near: dict[str, Promotion] = {}
        for one in promotions:
            if one.spec.start - SIGHT <= now < one.spec.end:
                near |= dict.fromkeys(workload_keys(one), one)
        found = {key: self._learned(key, one, promotions, now) for key, one in near.items()}
        with self._lock:
            self._found = found

    def _learned(
        self, key: str, near: Promotion, promotions: Sequence[Promotion], now: dt.datetime
    ) -> list[Forecast]:
        try:
            history = self._history(key, int(now.timestamp()))
            if history is None:
                return []
            start, demand = history
            about = [one for one in promotions if key in workload_keys(one)]
            q = max(one.spec.confidence for one in about)
            zone = ZoneInfo(near.spec.time_zone)
            return Promised(key, about, start=start.astimezone(zone), q=q).at(demand)
        except (ReadingError, ValueError, ArithmeticError) as error:
            self.failures += 1
            _log.warning("autoscale.no_forecast", workload=key, reason=str(error))
            return self._found.get(key, [])

    def run(self, stop: threading.Event, every_s: float) -> None:
        """A round every `every_s`, until `stop`."""
        while not stop.is_set():
            self.learn()
            stop.wait(every_s)
