"""Policies to compare with: what operators do today, what the backtest tried, and the oracle that nobody can be.

All see finished events only, except the oracle. Sizes are for 85 % of a replica, as the planner's.
"""

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from autoscale.forecast.bound import PRIOR_SPREAD, upper
from autoscale.forecast.multiplier import Example, fit
from autoscale.forecast.occasion import DAY_MIN, Event, clock_of, occasions
from autoscale.simulate.ground import Ground
from autoscale.simulate.policy import NOTHING, View, Wish
from autoscale.simulate.trace import Minutes, Trace

UTILIZATION = 0.85
AROUND_MIN = 60
"""The peak of an event is looked for within an hour of its start."""


class HpaOnly:
    """Nothing but the autoscaler itself."""

    def decide(self, view: View) -> Wish:
        """No wish."""
        del view
        return NOTHING


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """When a schedule is in force: from `before_min` before an event's start to `after_min` after it."""

    before_min: int = 60
    after_min: int = 60


AN_HOUR = Window()
Size = Callable[[Event, Minutes], float]
"""The peak of an event in requests a minute, guessed from what is over."""


class Scheduled:
    """A rectangle per event as high as its guessed peak; fixed when it opens if `once`, else guessed anew."""

    def __init__(
        self,
        trace: Trace,
        ground: Ground,
        size: Size,
        *,
        window: Window = AN_HOUR,
        once: bool = True,
    ) -> None:
        self._events = occasions(trace.events)
        self._each = ground.workload.per_replica * UTILIZATION
        self._size, self._window, self._once = size, window, once
        self._known: dict[int, float] = {}

    def replicas(self, view: View) -> int:
        """The largest of the rectangles in force; 0 outside all."""
        peak = 0.0
        for event in self._events:
            opens = event.start_min - self._window.before_min
            if opens <= view.minute < event.start_min + self._window.after_min:
                if not self._once or event.start_min not in self._known:
                    self._known[event.start_min] = self._size(event, view.demand)
                peak = max(peak, self._known[event.start_min])
        return math.ceil(peak / self._each)

    def decide(self, view: View) -> Wish:
        """The rectangle as a floor."""
        return Wish(floor=self.replicas(view))


class AsMetric:
    """The same schedule fed to the HPA as a metric, as KEDA's cron scaler does."""

    def __init__(self, schedule: Scheduled) -> None:
        self._schedule = schedule

    def decide(self, view: View) -> Wish:
        """The rectangle as a metric; without a window KEDA reports one replica."""
        return Wish(scheduled=max(1, self._schedule.replicas(view)))


class Ramp:
    """Zalando's schedule: the metric climbs in steps of a tenth over `ramp_min` before, and down again after."""

    def __init__(self, trace: Trace, ground: Ground, size: Size, *, ramp_min: int = 10) -> None:
        self._ramp_min = ramp_min
        full = Window(before_min=60, after_min=60)
        self._inner = Scheduled(trace, ground, size, window=full)
        wide = Window(before_min=60 + ramp_min, after_min=60 + ramp_min)
        self._outer = Scheduled(trace, ground, size, window=wide)
        self._events, self._window = occasions(trace.events), full

    def decide(self, view: View) -> Wish:
        """The metric now."""
        within = self._inner.replicas(view)
        if within:
            return Wish(scheduled=within)
        around = self._outer.replicas(view)
        if not around:
            return Wish(scheduled=1)
        away = min(
            max(event.start_min - self._window.before_min - view.minute,
                view.minute - event.start_min - self._window.after_min + 1)
            for event in self._events
        )  # fmt: skip
        tenths = max(1, math.ceil(10 * (1 - away / self._ramp_min)))
        return Wish(scheduled=max(1, math.ceil(around * tenths / 10)))


class SameHour:
    """AWS-like predictive scaling: the mean of the same hour over 14 days, taken up an hour's start early."""

    def __init__(self, ground: Ground, *, days: int = 14, ahead_min: int = 5) -> None:
        self._each = ground.workload.per_replica * UTILIZATION
        self._days, self._ahead_min = days, ahead_min
        self._hour, self._floor = -1, 0

    def decide(self, view: View) -> Wish:
        """The hour's forecast as a floor; scale-in is the HPA's."""
        hour = (view.minute + self._ahead_min) // 60
        if hour != self._hour:
            starts = [hour * 60 - day * DAY_MIN for day in range(1, self._days + 1)]
            means = [view.demand[at : at + 60].mean() for at in starts if at >= 0]
            self._hour, self._floor = hour, math.ceil(float(np.mean(means or [0.0])) / self._each)
        return Wish(floor=self._floor)


def last_peak(trace: Trace) -> Size:
    """The peak of the last finished event."""
    events = occasions(trace.events)
    return lambda _, demand: (finished(events, demand) or [0.0])[-1]


def largest_peak(trace: Trace) -> Size:
    """The largest peak of any finished event."""
    events = occasions(trace.events)
    return lambda _, demand: max(finished(events, demand), default=0.0)


def finished(events: Sequence[Event], demand: Minutes) -> list[float]:
    """The peaks of events that are over, in order of start."""
    return [
        peak_of(event, demand)
        for event in events
        if event.start_min + AROUND_MIN <= len(demand)
    ]  # fmt: skip


def peak_of(event: Event, demand: Minutes) -> float:
    """The highest minute within an hour of the start; 0 if none of them is in `demand`."""
    begin = max(0, event.start_min - AROUND_MIN)
    return float(demand[begin : max(0, event.start_min + AROUND_MIN)].max(initial=0.0))


def true_peak(trace: Trace) -> Size:
    """The oracle: the peak that will be."""
    return lambda event, _: peak_of(event, trace.demand)


def modelled_peak(trace: Trace, q: float | None) -> Size:
    """The event model of the backtest: the log of the peak by type and hour, at its mean or at quantile `q`."""
    events, clock = occasions(trace.events), clock_of(trace.start)

    def size(event: Event, demand: Minutes) -> float:
        peaks = finished(events, demand)
        if not peaks:
            return 0.0
        seen = [
            Example(traits=clock.traits(one), ordinary_log=0.0, peak_log=math.log(max(peak, 1.0)))
            for one, peak in zip(events, peaks, strict=False)
        ]
        model = fit(seen, prior_log=None)
        log = model.peak_log(clock.traits(event), 0.0)
        if q is not None:
            misses = [miss / PRIOR_SPREAD for miss in model.misses[len(seen) == 1 :]]
            log += upper(misses, q).value * PRIOR_SPREAD
        return math.exp(log)

    return size


def knowing_the_first(trace: Trace, size: Size) -> Size:
    """The same size, but before anything is known the first event's own peak: the backtest must have begun so."""
    first = occasions(trace.events)[0]
    own = peak_of(first, trace.demand)
    return lambda event, demand: size(event, demand) or own
