"""What one coming or running event will demand, bin by bin, at a quantile: two forecasts made one.

The *calendar* forecast multiplies ordinary traffic and is as good days ahead as an hour ahead. The *live* forecast
multiplies what is seen now by how much earlier events still grew from the same offset; it knows little a day ahead and
nearly everything ten minutes ahead. For every bin they are mixed by how well each would have done on every earlier
event left out. The upper curve adds k spreads of what the mixture got wrong; k is the conformal bound (bound.py) on
the largest miss near the peak, in spreads. Types are pooled (past.py); everything starts at a prior that fades.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from autoscale.forecast.bound import PRIOR_EVENTS, PRIOR_SPREAD, Bound, needed, upper
from autoscale.forecast.multiplier import PRIOR_LOG, PRIOR_WEIGHT, Multipliers, Traits, fit
from autoscale.forecast.past import BEFORE_MIN, BIN_MIN, LEVEL_MIN, Past, Paths, bins_until

MIX_PULL = 0.5
"""Evidence (squared log difference) below which a mixture stays near half and half."""
NEAR_PEAK = 0.2
"""Bins within this log of the highest are near the peak: the bound must hold there."""
SETTLED_MIN = 60.0
"""The prior spread of the live forecast reaches its full size this far ahead."""

Floats = NDArray[np.float64]


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """Demand per minute in bins of BIN_MIN from `offset_min` (from the event's start) to its end.

    `middle` is the forecast without the bound; `live_share` is how much the live forecast counts at the peak.
    """

    offset_min: int
    demand: Floats
    middle: Floats
    bound: Bound
    live_share: float
    source: Literal["history", "prior"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The event asked about: traits, length, ordinary level at its start, and the owner's own estimate if any."""

    traits: Traits
    length_min: int
    ordinary: float
    expected_peak: float | None = None


class Known(msgspec.Struct, frozen=True):
    """Everything learned from finished events."""

    paths: Paths
    multipliers: Multipliers


def learn(past: Sequence[Past]) -> Known:
    """Fit both forecasts to events that are over."""
    return Known(Paths(past), fit([one.example for one in past]))


class Half(msgspec.Struct, frozen=True):
    """One of the two forecasts: the log of each bin, and what it got wrong of each earlier event left out."""

    logs: Floats
    misses: Floats


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The bins asked for: their offsets, and the highest minute of each in every earlier event (NaN: none)."""

    offset_min: int
    offsets: NDArray[np.int64]
    seen: Floats


def outlook(asked: Asked, known: Known, *, offset_min: int, live: Floats, q: float) -> Outlook:
    """The curve from `offset_min` to the event's end; `live` ends just before that minute."""
    watched = len(live) >= LEVEL_MIN and offset_min >= LEVEL_MIN - BEFORE_MIN
    frame = _frame(asked, known.paths, offset_min)
    half, count = _calendar(asked, known, frame), len(frame.offsets)
    share, settled = np.zeros(count), np.ones(count)
    if watched:
        half, share = _mixed(_alive(asked, known.paths, frame, live), half, running=offset_min >= 0)
        ahead = np.clip((frame.offsets + BIN_MIN - offset_min) / SETTLED_MIN, 0.0, 1.0)
        # The step at the start is unknown until it was seen; before and after it the near future is surer.
        surer = (frame.offsets < 0) | (offset_min >= 0)
        settled = np.where(surer, np.sqrt(ahead), 1.0)
    spread = _spread(half.misses, PRIOR_SPREAD * settled)
    near = half.logs >= half.logs.max() - NEAR_PEAK
    bound = _bound(half.misses[:, near] / spread[near], q)
    demand = np.exp(half.logs + bound.value * spread)
    if asked.expected_peak is not None and bound.n < needed(q) and offset_min < 0:
        demand *= max(1.0, asked.expected_peak / float(demand.max()))
    return Outlook(
        offset_min=int(frame.offsets[0]), demand=demand, middle=np.exp(half.logs), bound=bound,
        live_share=float(share[int(half.logs.argmax())]),
        source="history" if len(known.paths) else "prior",
    )  # fmt: skip


def _frame(asked: Asked, paths: Paths, offset_min: int) -> Frame:
    first = max(0, (offset_min + BEFORE_MIN) // BIN_MIN)
    count = max(1, bins_until(asked.length_min) - first)
    seen = np.full((len(paths), count), np.nan)
    part = paths.bins[:, first : first + count]
    seen[:, : part.shape[1]] = part
    offsets = np.arange(first, first + count) * BIN_MIN - BEFORE_MIN
    return Frame(offset_min=offset_min, offsets=offsets, seen=seen)


def _pooled(values: Floats, pull: Floats, prior: Floats) -> Floats:
    """Weighted means per bin over the rows known there, drawn to the prior."""
    known = np.isfinite(values)
    total = pull @ np.where(known, values, 0.0) + PRIOR_WEIGHT * prior
    return total / (pull @ known.astype(np.float64) + PRIOR_WEIGHT)


def _calendar(asked: Asked, known: Known, frame: Frame) -> Half:
    """Ordinary level times multiplier, in the shape of earlier events."""
    paths = known.paths
    prior = np.where(frame.offsets < 0, -PRIOR_LOG, 0.0)
    shapes = frame.seen - paths.peaks[:, None]
    shape = _pooled(shapes, paths.pull_of(asked.traits.type), prior)
    others = _pooled(shapes, paths.pull_left_out(), prior)
    ordinary_log = float(np.log(max(asked.ordinary, 1.0)))
    peak = known.multipliers.peak_log(asked.traits, ordinary_log)
    return Half(peak + shape, shapes - others + np.array(known.multipliers.misses)[:, None])


def _alive(asked: Asked, paths: Paths, frame: Frame, live: Floats) -> Half:
    """The live level times what earlier events still grew from here."""
    level = float(np.log(max(float(live[-LEVEL_MIN:].mean()), 1.0)))
    rises = PRIOR_LOG if frame.offset_min < 0 else 0.0
    prior = np.where(frame.offsets + BIN_MIN > 0, rises, 0.0)
    growth = frame.seen - paths.levels(frame.offset_min)[:, None]
    mean = _pooled(growth, paths.pull_of(asked.traits.type), prior)
    return Half(level + mean, growth - _pooled(growth, paths.pull_left_out(), prior))


def _mixed(alive: Half, calendar: Half, *, running: bool) -> tuple[Half, Floats]:
    """Per bin, the mixture that missed least; once the event runs, or without history, the live one alone."""
    if running or not len(alive.misses):
        return alive, np.ones(len(alive.logs))
    of_calendar = np.nan_to_num(calendar.misses)
    gap = np.nan_to_num(alive.misses) - of_calendar
    against = -(of_calendar * gap).sum(axis=0) + MIX_PULL / 2
    share = np.clip(against / ((gap * gap).sum(axis=0) + MIX_PULL), 0.0, 1.0)
    logs = share * alive.logs + (1 - share) * calendar.logs
    return Half(logs, share * alive.misses + (1 - share) * calendar.misses), share


def _spread(misses: Floats, prior: Floats) -> Floats:
    """Root mean square of the misses per bin, drawn to the prior."""
    known = np.isfinite(misses)
    squares = (np.where(known, misses, 0.0) ** 2).sum(axis=0) + PRIOR_EVENTS * prior**2
    return np.maximum(np.sqrt(squares / (known.sum(axis=0) + PRIOR_EVENTS)), 1e-3)


def _bound(scores: Floats, q: float) -> Bound:
    """On the largest miss of each event near the peak, in spreads."""
    known = scores[np.isfinite(scores).any(axis=1)]
    return upper(np.nanmax(known, axis=1).tolist() if len(known) else (), q)
