"""From promotions and a workload's history to the planner's forecasts: what the controller feeds to `plan`.

Promotions that are over are what is learned from; those to come get a curve once they are in sight. A curve outranks
the owner's `expectedPeak` only where enough events stand behind it (conformal); until then the planner takes the larger.
"""

import datetime as dt
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autoscale.forecast.forecaster import SIGHT_MIN, Curve, Forecaster
from autoscale.forecast.occasion import Event, clock_of
from autoscale.plan.model import Forecast
from contracts.promotion import Promotion, promotion_key, workload_keys

MINUTE_S = 60.0


class Promised:
    """The forecasts of one workload; build it anew when promotions change.

    `start` is the time of the history's minute 0, aware, in the zone whose days and weeks the traffic follows.
    """

    def __init__(
        self, key: str, promotions: Sequence[Promotion], *, start: dt.datetime, q: float
    ) -> None:
        self._key, self._start, self._q = key, start, q
        self._events = tuple(
            Event(
                name=promotion_key(one), type=one.spec.type,
                start_min=self._minute(one.spec.start), end_min=self._minute(one.spec.end),
            )
            for one in promotions
            if key in workload_keys(one)
        )  # fmt: skip
        self.forecaster = Forecaster(self._events, clock_of(start), q=q)

    def at(self, demand: NDArray[np.float64]) -> list[Forecast]:
        """Every forecast as of the end of `demand` (requests per whole minute since `start`)."""
        now = len(demand)
        self.forecaster.learn(demand)
        near = [one for one in self._events if one.start_min - SIGHT_MIN <= now < one.end_min]
        near.sort(key=lambda one: (one.start_min, one.name))
        curves = self.forecaster.curves(near, demand)
        return [self._forecast(curve, demand) for curve in curves]

    def _forecast(self, curve: Curve, demand: NDArray[np.float64]) -> Forecast:
        event = curve.event
        sure = event is not None and (
            self.forecaster.outlook(event, demand).bound.method == "conformal"
        )
        return Forecast(
            promotion="" if event is None else event.name, workload=self._key, quantile=self._q,
            begins=self._start + dt.timedelta(minutes=curve.begins_min),
            step_s=curve.step_min * MINUTE_S, demand=tuple((curve.demand / MINUTE_S).tolist()),
            replaces_peak=sure,
        )  # fmt: skip

    def _minute(self, at: dt.datetime) -> int:
        return int((at - self._start).total_seconds() // MINUTE_S)
