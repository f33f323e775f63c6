"""Our own policy: the planner of `autoscale.plan` under forecasts of `autoscale.forecast`, fed minute by minute.

It plays the controller's part towards the planner: what was observed goes in, the floor and the pool's minimum that
come out are set, the baseline is remembered. It decides nothing itself.
"""

import datetime as dt
import math

import msgspec
import numpy as np

from autoscale.forecast.outlook import Asked, Outlook, outlook
from autoscale.forecast.past import BEFORE_MIN, BIN_MIN, LEVEL_MIN
from autoscale.plan.durations import seconds
from autoscale.plan.model import Forecast, Observed, PoolObserved, Timing, WorkloadObserved
from autoscale.plan.planner import plan
from autoscale.simulate.calendar_view import Learner, clock_of, occasions
from autoscale.simulate.ground import Ground
from autoscale.simulate.policy import NOTHING, View, Wish
from autoscale.simulate.trace import MINUTE_S, Event, Minutes, Trace
from contracts.promotion import (
    PromotedNodes,
    PromotedWorkload,
    Promotion,
    PromotionSpec,
    Release,
    WorkloadRef,
)

KEY, POOL = "HorizontalPodAutoscaler/default/ads", "ads"
FAR_MIN = 60
"""Further ahead than this an outlook is made anew every FAR_EVERY_MIN, nearer every minute."""
FAR_EVERY_MIN = 10
Z95 = 1.645
HOLD_SHARE = 0.75
UNKNOWN_HOLD_MIN = 60
"""An event without an end is held until three quarters of the earlier ones were over; an hour while nobody knows."""
LETTING_GO = Release(below=0.82, for_="5m", every="1m", step="50%")
"""As the HPA itself would let go: its window, its target (0.82 of 85 % is 70 %)."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How promotions are written: quantile, and how carefully they let go."""

    confidence: float = 0.9
    release: Release = LETTING_GO
    safety_s: float = 60.0
    verify_s: float = 60.0
    utilization: float = 0.85


DEFAULT = Terms()


class Ours:
    """The planner's policy; `trace` gives the calendar and the clock, its demand is not kept."""

    def __init__(self, trace: Trace, ground: Ground, terms: Terms = DEFAULT) -> None:
        self._events = occasions(trace.events)
        self._learner = Learner(trace.events, clock_of(trace))
        self._clock = clock_of(trace)
        self._start = trace.start if trace.start.tzinfo else trace.start.replace(tzinfo=dt.UTC)
        self._ground, self._terms = ground, terms
        self._outlooks: dict[int, tuple[int, Outlook]] = {}
        self._held: dict[int, int] = {}
        self._base = ground.workload.replicas_min
        self._floor, self._floor_min = self._base, 0
        self._ours, self._nodes, self._ready_before = False, 0, 0
        lags = ground.nodes.provision, ground.pods.start
        self._timing = Timing(
            node_s={POOL: lags[0].quantile_s(Z95)},
            pod_s={KEY: lags[1].quantile_s(Z95) + ground.pods.pull_s},
            verify_s=terms.verify_s, safety_s=terms.safety_s,
        )  # fmt: skip

    def decide(self, view: View) -> Wish:
        """One pass of the controller."""
        near = self._near(view.minute)
        if not near and not self._ours:
            return NOTHING
        self._learner.learn(view.demand)
        answer = plan(
            self._at(view.minute),
            [self._promotion(event) for event in near],
            self._observed(view),
            timing=self._timing,
            forecasts=self._forecasts(near, view),
        )
        of_workload, of_pool = answer.workloads.get(KEY), answer.pools.get(POOL)
        if of_workload is not None:
            self._apply(of_workload.action, of_workload.floor, view)
        self._nodes = of_pool.nodes if of_pool is not None and self._ours else 0
        return Wish(floor=self._floor if self._ours else 0, nodes=self._nodes)

    def _apply(self, action: str, floor: int, view: View) -> None:
        if action in {"raise", "lower"}:
            if not self._ours:
                self._ready_before = view.nodes
            if floor != self._floor:
                self._floor_min = view.minute
            self._floor, self._ours = floor, True
        elif action == "restore":
            self._floor, self._ours = self._base, False

    def _near(self, minute: int) -> list[Event]:
        """Coming within sight, running, or ended and perhaps still held."""
        ahead, behind = BEFORE_MIN - LEVEL_MIN, 12 * 60
        return [
            event
            for event in self._events
            if event.start_min - ahead <= minute < self._end_min(event) + behind * self._ours
        ]

    def _at(self, minute: int) -> dt.datetime:
        return self._start + dt.timedelta(minutes=minute)

    def _promotion(self, event: Event) -> Promotion:
        load, terms = self._ground.workload, self._terms
        return Promotion(
            name=f"e{event.start_min}",
            spec=PromotionSpec(
                start=self._at(event.start_min), end=self._at(self._end_min(event)), mode="Auto",
                confidence=terms.confidence, release=terms.release,
                workloads=(
                    PromotedWorkload(
                        name="ads", ref=WorkloadRef(name="ads"), expected_peak=1.0,
                        capacity_per_replica=load.per_replica / MINUTE_S,
                        utilization=terms.utilization, pool=POOL,
                        replicas_per_node=self._ground.nodes.pods_per_node,
                    ),
                ),
                nodes=(PromotedNodes(pool=POOL),),
            ),
        )  # fmt: skip

    def _end_min(self, event: Event) -> int:
        """The calendar's end; where it says none, when most earlier events were over."""
        if not event.open_end:
            return event.end_min
        held = self._held.get(event.start_min)
        if held is None:
            held = self._learner.known.paths.hold_min(HOLD_SHARE) or UNKNOWN_HOLD_MIN
            self._held[event.start_min] = held
        return min(event.end_min, event.start_min + held)

    def _observed(self, view: View) -> Observed:
        load = self._ground.workload
        release = self._terms.release
        recent = view.demand[-max(1, math.ceil(seconds(release.for_) / MINUTE_S)) :]
        return Observed(
            workloads={
                KEY: WorkloadObserved(
                    replicas=view.replicas, ready=view.ready, floor=self._floor,
                    baseline=self._base if self._ours else None,
                    floor_since=self._at(self._floor_min) if self._ours else None,
                    demand=float(view.demand[-1]) / MINUTE_S, demand_high=float(recent.max()) / MINUTE_S,
                    wanted=view.recommended, capacity=load.per_replica / MINUTE_S,
                    per_node=self._ground.nodes.pods_per_node,
                )
            },
            pools={
                POOL: PoolObserved(
                    ready=view.nodes, minimum=self._nodes, maximum=self._ground.nodes.nodes_max,
                    baseline=0 if self._ours else None,
                    baseline_ready=self._ready_before if self._ours else None,
                )
            },
        )  # fmt: skip

    def _forecasts(self, near: list[Event], view: View) -> list[Forecast]:
        """Ordinary traffic, then what each event adds to it and to the events before it."""
        running = [event for event in near if view.minute < self._end_min(event)]
        if not running:
            return []
        first = min(view.minute, *(event.start_min - BEFORE_MIN for event in running))
        slots = np.arange(first, max(event.end_min for event in running) + BIN_MIN)
        baseline = self._learner.baseline
        assert baseline is not None  # noqa: S101 - learn() has fitted it
        below = baseline.at(slots)
        curves = [self._curve("", below, first, 1)]
        for event in running:
            made = self._outlook(event, view)
            begins = event.start_min + made.offset_min
            at = begins - first + np.arange(len(made.demand)) * BIN_MIN
            added = np.maximum(0.0, made.demand - below[at])
            minutes = np.repeat(added, BIN_MIN)[: len(below) - at[0]]
            below[at[0] : at[0] + len(minutes)] += minutes
            curves.append(self._curve(f"default/e{event.start_min}", added, begins, BIN_MIN))
        return curves

    def _outlook(self, event: Event, view: View) -> Outlook:
        offset = view.minute - event.start_min
        made = self._outlooks.get(event.start_min)
        if made is None or offset >= -FAR_MIN or view.minute - made[0] >= FAR_EVERY_MIN:
            asked = Asked(
                traits=self._clock.traits(event), length_min=event.end_min - event.start_min,
                ordinary=self._learner.ordinary(view.demand, event.start_min),
                expected_peak=event.expected_peak,
            )  # fmt: skip
            made = (
                view.minute,
                outlook(
                    asked,
                    self._learner.known,
                    offset_min=offset,
                    live=view.demand,
                    q=self._terms.confidence,
                ),
            )
            self._outlooks[event.start_min] = made
        return made[1]

    def _curve(self, promotion: str, demand: Minutes, minute: int, step_min: int) -> Forecast:
        return Forecast(
            promotion=promotion, workload=KEY, quantile=self._terms.confidence, begins=self._at(minute),
            step_s=step_min * MINUTE_S, demand=tuple((demand / MINUTE_S).tolist()), replaces_peak=True,
        )  # fmt: skip
