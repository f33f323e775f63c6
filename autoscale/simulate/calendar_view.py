"""The calendar as policies read it, and the past as they learn it: events that are over, with what they demanded."""

from collections.abc import Sequence

import msgspec
import numpy as np

from autoscale.forecast.baseline import Baseline, fit
from autoscale.forecast.multiplier import Traits
from autoscale.forecast.outlook import Known, learn
from autoscale.forecast.past import BEFORE_MIN, Past, remember
from autoscale.simulate.trace import DAY_MIN, Event, Minutes, Trace

WEEK_MIN = 7 * DAY_MIN


class Clock(msgspec.Struct, frozen=True):
    """Where the trace's minutes lie in the week."""

    phase_min: int
    """Minutes from Monday 00:00 to minute 0 of the trace."""

    def traits(self, event: Event) -> Traits:
        """What the calendar says of an event."""
        of_week = (event.start_min + self.phase_min) % WEEK_MIN
        return Traits(type=event.type, weekday=of_week // DAY_MIN, minute_of_day=of_week % DAY_MIN)


def clock_of(trace: Trace) -> Clock:
    """The week phase of a trace, in its own local time."""
    start = trace.start
    return Clock(start.weekday() * DAY_MIN + start.hour * 60 + start.minute)


def occasions(events: Sequence[Event]) -> tuple[Event, ...]:
    """Events that start in the same minute are one occasion: the longest, with the largest expected peak."""
    by_start: dict[int, Event] = {}
    for event in events:
        other = by_start.get(event.start_min)
        if other is None:
            by_start[event.start_min] = event
            continue
        peaks = [one.expected_peak for one in (event, other) if one.expected_peak is not None]
        by_start[event.start_min] = msgspec.structs.replace(
            other, end_min=max(event.end_min, other.end_min), expected_peak=max(peaks, default=None)
        )
    return tuple(by_start[start] for start in sorted(by_start))


class Learner:
    """Learns every event once it is over; asked about the future, it answers from those alone."""

    def __init__(self, events: Sequence[Event], clock: Clock) -> None:
        self._clock = clock
        self._coming = sorted(occasions(events), key=lambda event: event.end_min)
        self._past: list[Past] = []
        self._done = 0
        self._fitted_min = -DAY_MIN
        self.known: Known = learn(())
        self.baseline: Baseline | None = None

    @property
    def finished(self) -> Sequence[Past]:
        """The events learned so far, in order of their end."""
        return self._past

    def learn(self, demand: Minutes) -> None:
        """Take in everything that is over by the end of `demand`; ordinary traffic is fitted anew every day."""
        before = self._done
        while self._done < len(self._coming) and self._coming[self._done].end_min <= len(demand):
            event = self._coming[self._done]
            past = remember(
                demand, start_min=event.start_min, end_min=event.end_min,
                traits=self._clock.traits(event), ordinary=self.ordinary(demand, event.start_min),
            )  # fmt: skip
            self._done += 1
            if past is not None:
                self._past.append(past)
        if self._done != before:
            self.known = learn(self._past)
        if self.baseline is None or len(demand) - self._fitted_min >= DAY_MIN:
            self._fit(demand)

    def ordinary(self, demand: Minutes, minute: int) -> float:
        """Ordinary demand per minute at `minute`."""
        if self.baseline is None:
            self._fit(demand)
        assert self.baseline is not None  # noqa: S101 - _fit sets it
        return float(self.baseline.at(np.array([minute]))[0])

    def _fit(self, demand: Minutes) -> None:
        plain = np.ones(len(demand), dtype=np.bool_)
        for event in self._coming:
            plain[max(0, event.start_min - BEFORE_MIN) : event.end_min] = False
        self.baseline = fit(demand, plain, phase_min=self._clock.phase_min)
        self._fitted_min = len(demand)
