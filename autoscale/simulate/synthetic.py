"""Seeded demand: a shop's quarter with its sales, steps laid over any trace, and bursts nobody announced.

The shop: a day and a week, slow growth, multiplicative noise that remembers, and a calendar of sales of three types
whose size depends on type, day and chance, with early arrival, a step at the start and a decaying tail.
"""

import datetime as dt

import msgspec
import numpy as np

from autoscale.forecast.occasion import DAY_MIN, Event
from autoscale.simulate.trace import Minutes, Trace, scored

STEP_MEDIAN, STEP_SIGMA, STEP_HALF_MIN = 2.0, 0.35, 20.0
"""Anchors §3.3: a step of x(2 on median, sigma .35) with 20 minutes of decay. Read as: demand times 1 + 2 at the start of
every distinct minute of the calendar, halving every 20 minutes; other readings miss the anchor's own rows by more."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A type of sale: how much it multiplies ordinary demand, and how fast that goes."""

    name: str
    length_min: int
    lift: float
    sigma: float
    half_min: float
    early_min: float


KINDS = (
    Kind(name="flash-sale", length_min=60, lift=5.0, sigma=0.40, half_min=15.0, early_min=10.0),
    Kind(name="coupon-drop", length_min=120, lift=2.5, sigma=0.30, half_min=40.0, early_min=20.0),
    Kind(name="brand-day", length_min=360, lift=1.5, sigma=0.25, half_min=180.0, early_min=45.0),
)
HISTORY_DAYS, DAYS = 28, 42
EVENING_MIN = 20 * 60
FIRST_DAY = dt.datetime(2026, 9, 7, tzinfo=dt.UTC)
"""A Monday."""


def with_steps(trace: Trace, seed: int, *, median: float = STEP_MEDIAN) -> Trace:
    """The trace with a step at every distinct start of its calendar."""
    rng = np.random.default_rng(seed)
    demand = trace.demand.copy()
    factor = np.ones(len(demand))
    for start in sorted({event.start_min for event in trace.events}):
        size = median * float(np.exp(STEP_SIGMA * rng.standard_normal()))
        after = np.arange(0, min(240, len(demand) - start))
        factor[start : start + len(after)] += size * 0.5 ** (after / STEP_HALF_MIN)
    return msgspec.structs.replace(trace, name=f"{trace.name}_step", demand=demand * factor)


def shop(seed: int, *, days: int = DAYS) -> Trace:
    """The synthetic trace that ships with the project: four weeks of history, then `days` with sales."""
    rng = np.random.default_rng(seed)
    length = (HISTORY_DAYS + days) * DAY_MIN
    demand = _ordinary(length, rng)
    events = _calendar(days, rng)
    for event in events:
        demand *= _lift(event, length, rng)
    return scored("synthetic", start=FIRST_DAY, demand=np.round(demand), events=events)


def bursts(seed: int, *, days: int = 14, per_day: float = 2.0) -> Trace:
    """Ordinary days with sudden bursts that no calendar has."""
    rng = np.random.default_rng(seed)
    length = (HISTORY_DAYS + days) * DAY_MIN
    demand = _ordinary(length, rng)
    for start in np.flatnonzero(rng.random(length) < per_day / DAY_MIN):
        after = np.arange(0, min(180, length - start))
        size = 1.5 * float(np.exp(0.5 * rng.standard_normal()))
        demand[start : start + len(after)] *= 1 + size * 0.5 ** (after / 20)
    trace = scored("bursts", start=FIRST_DAY, demand=np.round(demand), events=())
    return msgspec.structs.replace(trace, first_min=HISTORY_DAYS * DAY_MIN)


def misled(seed: int, *, days: int = 14) -> Trace:
    """The same bursts under a calendar of sales that bring nobody: what a wrong calendar costs."""
    rng = np.random.default_rng(seed)
    trace = bursts(seed, days=days)
    return msgspec.structs.replace(trace, name="misled", events=_calendar(days, rng))


def _ordinary(length: int, rng: np.random.Generator) -> Minutes:
    """Requests per minute of a shop: nights a fifth of the evening, weekends a quarter more, growth, noise."""
    minute = np.arange(length)
    of_day = minute % DAY_MIN / DAY_MIN * 2 * np.pi
    day = 1.0 - 0.55 * np.cos(of_day - 0.9) - 0.15 * np.cos(2 * of_day - 0.6)
    week = np.where(minute // DAY_MIN % 7 >= 5, 1.25, 1.0)
    growth = np.exp(minute / DAY_MIN / 365)
    slow = np.repeat(_remembering(length // 30 + 1, rng, keep=0.97, sigma=0.03), 30)[:length]
    quick = 0.02 * rng.standard_normal(length)
    return 12_000.0 * day * week * growth * np.exp(slow + quick)


def _remembering(count: int, rng: np.random.Generator, *, keep: float, sigma: float) -> Minutes:
    """An AR(1) series."""
    values, at = np.zeros(count), 0.0
    for index, push in enumerate(sigma * rng.standard_normal(count)):
        at = keep * at + float(push)
        values[index] = at
    return values


def _calendar(days: int, rng: np.random.Generator) -> tuple[Event, ...]:
    """Most days a flash sale or a coupon drop, on every tenth a brand day from noon on."""
    events: list[Event] = []
    for day in range(HISTORY_DAYS, HISTORY_DAYS + days):
        kind = KINDS[int(rng.choice(len(KINDS), p=[0.5, 0.35, 0.15]))]
        hour = int(rng.choice([10, 12, 20, 21])) if kind.length_min < 300 else 12
        start = day * DAY_MIN + hour * 60
        events.append(
            Event(
                name=f"{kind.name} day {day}", start_min=start, end_min=start + kind.length_min,
                type=kind.name,
            )
        )  # fmt: skip
    return tuple(events)


def _lift(event: Event, length: int, rng: np.random.Generator) -> Minutes:
    """What an event multiplies demand by, minute by minute."""
    kind = next(one for one in KINDS if one.name == event.type)
    size = kind.lift * float(np.exp(kind.sigma * rng.standard_normal()))
    evening = 1.2 if event.start_min % DAY_MIN >= EVENING_MIN else 0.9
    offset = np.arange(length) - event.start_min
    early = 0.3 * np.exp(np.minimum(offset, 0) / kind.early_min)
    late = 0.5 ** (np.maximum(offset, 0) / kind.half_min)
    return 1.0 + size * evening * np.where(offset < 0, early, late)
