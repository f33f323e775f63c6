"""Ordinary traffic: the level of each hour of the week, times how the last day went against it.

Minutes inside events are masked, so that a promotion last Tuesday does not make next Tuesday look busy. With less than
two weeks of history an hour of the day stands for the hour of the week; an hour never seen gets the overall mean.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

WEEK_H, DAY_H, HOUR_MIN = 168, 24, 60
WEEKS_MAX = 5
"""Older history says little about next week."""
TREND_MIN = 1440
TREND_MAX = 4.0
"""The last day may move the level by this factor either way, not more."""


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """`levels` is demand per minute for each hour of the week, from the week's `phase_min`-th minute at index 0."""

    levels: NDArray[np.float64]
    trend: float
    phase_min: int

    def at(self, minutes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Demand per minute expected at each minute, interpolated between the middles of hours."""
        place = (minutes + self.phase_min) / HOUR_MIN - 0.5
        first = np.floor(place).astype(np.int64)
        part = place - first
        low, high = self.levels[first % WEEK_H], self.levels[(first + 1) % WEEK_H]
        return self.trend * (low * (1 - part) + high * part)


def fit(demand: NDArray[np.float64], ordinary: NDArray[np.bool_], *, phase_min: int) -> Baseline:
    """From demand per minute since minute 0; `ordinary` is False inside events.

    `phase_min` is how many minutes into a Monday-first week minute 0 is.
    """
    first = max(0, len(demand) - WEEKS_MAX * WEEK_H * HOUR_MIN)
    minutes = np.arange(first, len(demand))
    values, use = demand[first:], ordinary[first:]
    hours = (minutes + phase_min) // HOUR_MIN % WEEK_H
    overall = (
        float(values[use].mean()) if use.any() else float(values.mean()) if len(values) else 0.0
    )
    by_day = _means(hours % DAY_H, values, use=use, slots=DAY_H, else_=np.full(DAY_H, overall))
    levels = by_day[np.arange(WEEK_H) % DAY_H]
    if len(values) >= 2 * WEEK_H * HOUR_MIN:
        levels = _means(hours, values, use=use, slots=WEEK_H, else_=levels)
    plain = Baseline(levels=levels, trend=1.0, phase_min=phase_min)
    recent = minutes[-TREND_MIN:][use[-TREND_MIN:]]
    expected = float(plain.at(recent).sum())
    seen = float(demand[recent].sum())
    trend = seen / expected if expected > 0 and len(recent) >= HOUR_MIN else 1.0
    return msgspec.structs.replace(plain, trend=min(max(trend, 1 / TREND_MAX), TREND_MAX))


def _means(
    slot: NDArray[np.int64], values: NDArray[np.float64], *, use: NDArray[np.bool_], slots: int,
    else_: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    count = np.bincount(slot[use], minlength=slots)
    total = np.bincount(slot[use], weights=values[use], minlength=slots)
    return np.where(count > 0, total / np.maximum(count, 1), else_)
