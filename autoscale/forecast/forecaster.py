"""The forecaster of one workload: learns every event once it is over, and says what coming ones add, as curves.

Call `learn` with the history up to now (demand per whole minute), then `curves`. It holds no demand of its own and is
never shown more than the past.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from autoscale.forecast.accuracy import Kept, kept
from autoscale.forecast.baseline import Baseline, fit
from autoscale.forecast.occasion import DAY_MIN, Clock, Event, occasions
from autoscale.forecast.outlook import Asked, Known, Outlook, learn, outlook
from autoscale.forecast.past import BEFORE_MIN, BIN_MIN, LEVEL_MIN, Past, remember

SIGHT_MIN = BEFORE_MIN - LEVEL_MIN
"""An outlook counts what is live from so long before the start; before, it is the calendar's alone."""
FAR_MIN, FAR_EVERY_MIN = 60, 10
"""Further ahead than FAR_MIN an outlook is made anew every FAR_EVERY_MIN, nearer every minute."""
HOLD_SHARE = 0.75
UNKNOWN_HOLD_MIN = 60
"""An event without an end is held until three quarters of the earlier ones were over; an hour while nobody knows."""
ADAPT = 0.02
Q_MAX = 0.99
"""Adaptive conformal inference (Gibbs & Candes 2021): after each event the share that may be missed moves by ADAPT times
(aim - missed), so that drift is answered; never beyond Q_MAX."""

Floats = NDArray[np.float64]


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Demand per minute from `begins_min`, each value for `step_min`; of an event, or ordinary traffic (None)."""

    event: Event | None
    begins_min: int
    step_min: int
    demand: Floats


class Forecaster:
    """Of one workload; `q` is the quantile of demand that its curves hold."""

    def __init__(self, events: Sequence[Event], clock: Clock, *, q: float) -> None:
        self._clock, self._q, self._aimed = clock, q, q
        self._coming = sorted(occasions(events), key=lambda event: event.end_min)
        self._past: list[Past] = []
        self._done, self._fitted_min = 0, -DAY_MIN
        self._outlooks: dict[int, tuple[int, Outlook]] = {}
        self._said: dict[int, Outlook] = {}
        self._held: dict[int, int] = {}
        self.known: Known = learn(())
        self.baseline: Baseline | None = None
        self.kept: list[Kept] = []
        """What was said of each finished event at its start, beside what came: for the accuracy report."""

    def learn(self, demand: Floats) -> None:
        """Take in everything that is over by the end of `demand`; ordinary traffic is fitted anew every day."""
        before = self._done
        while self._done < len(self._coming) and self._coming[self._done].end_min <= len(demand):
            self._finish(self._coming[self._done], demand)
            self._done += 1
        if self._done != before:
            self.known = learn(self._past)
        if self.baseline is None or len(demand) - self._fitted_min >= DAY_MIN:
            self._fit(demand)

    def ordinary(self, demand: Floats, minute: int) -> float:
        """Ordinary demand per minute at `minute`."""
        return float(self._level(demand).at(np.array([minute]))[0])

    def end_min(self, event: Event) -> int:
        """The calendar's end; where it says none, when most earlier events were over."""
        if not event.open_end:
            return event.end_min
        held = self._held.get(event.start_min)
        if held is None:
            held = self.known.paths.hold_min(HOLD_SHARE) or UNKNOWN_HOLD_MIN
            self._held[event.start_min] = held
        return min(event.end_min, event.start_min + held)

    def outlook(self, event: Event, demand: Floats) -> Outlook:
        """What is to be expected of one event, as of the end of `demand`."""
        minute = len(demand)
        made = self._outlooks.get(event.start_min)
        near = minute - event.start_min >= -FAR_MIN
        if made is None or near or minute - made[0] >= FAR_EVERY_MIN:
            asked = Asked(
                traits=self._clock.traits(event), length_min=event.end_min - event.start_min,
                ordinary=self.ordinary(demand, event.start_min), expected_peak=event.expected_peak,
            )  # fmt: skip
            offset = minute - event.start_min
            made = minute, outlook(asked, self.known, offset_min=offset, live=demand, q=self._aimed)
            self._outlooks[event.start_min] = made
            if offset <= 0:
                self._said[event.start_min] = made[1]
        return made[1]

    def curves(self, events: Sequence[Event], demand: Floats) -> list[Curve]:
        """Ordinary traffic, then what each event adds to it and to the events before it."""
        if not events:
            return []
        first = min(len(demand), *(event.start_min - BEFORE_MIN for event in events))
        slots = np.arange(first, max(event.end_min for event in events) + BIN_MIN)
        below = self._level(demand).at(slots)
        found = [Curve(event=None, begins_min=first, step_min=1, demand=below.copy())]
        for event in events:
            made = self.outlook(event, demand)
            begins = event.start_min + made.offset_min
            at = begins - first + np.arange(len(made.demand)) * BIN_MIN
            added = np.maximum(0.0, made.demand - below[at])
            minutes = np.repeat(added, BIN_MIN)[: len(below) - at[0]]
            below[at[0] : at[0] + len(minutes)] += minutes
            found.append(Curve(event=event, begins_min=begins, step_min=BIN_MIN, demand=added))
        return found

    def _level(self, demand: Floats) -> Baseline:
        return self.baseline if self.baseline is not None else self._fit(demand)

    def _finish(self, event: Event, demand: Floats) -> None:
        past = remember(
            demand, start_min=event.start_min, end_min=event.end_min,
            traits=self._clock.traits(event), ordinary=self.ordinary(demand, event.start_min),
        )  # fmt: skip
        if past is not None:
            self._past.append(past)
        said = self._said.pop(event.start_min, None)
        self._outlooks.pop(event.start_min, None)
        if said is not None:
            actual = float(demand[event.start_min : event.end_min].max())
            self.kept.append(kept(event.name, said, actual=actual, q=self._q))
            missed = 0.0 if self.kept[-1].covered else 1.0
            moved = self._aimed - ADAPT * ((1 - self._q) - missed)
            self._aimed = min(max(moved, 0.5), Q_MAX)

    def _fit(self, demand: Floats) -> Baseline:
        plain = np.ones(len(demand), dtype=np.bool_)
        for event in self._coming:
            plain[max(0, event.start_min - BEFORE_MIN) : event.end_min] = False
        self.baseline = fit(demand, plain, phase_min=self._clock.phase_min)
        self._fitted_min = len(demand)
        return self.baseline
