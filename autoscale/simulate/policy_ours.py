"""Our own policy: the planner of `autoscale.plan` under forecasts of `autoscale.forecast`, fed minute by minute.

It plays the controller's part towards the planner: what was observed goes in, the floor and the pool's minimum that
come out are set, the baseline is remembered. It decides nothing itself.
"""

import datetime as dt
import math

import msgspec

from autoscale.forecast.forecaster import SIGHT_MIN, Curve, Forecaster
from autoscale.forecast.occasion import Event, clock_of, occasions
from autoscale.plan.durations import seconds
from autoscale.plan.model import Forecast, Observed, PoolObserved, Timing, WorkloadObserved
from autoscale.plan.planner import plan
from autoscale.simulate.ground import Ground
from autoscale.simulate.policy import NOTHING, View, Wish
from autoscale.simulate.trace import MINUTE_S, Trace
from contracts.promotion import (
    PromotedNodes,
    PromotedWorkload,
    Promotion,
    PromotionSpec,
    Release,
    WorkloadRef,
)

KEY, POOL = "HorizontalPodAutoscaler/default/ads", "ads"
Z95 = 1.645
LETTING_GO = Release(below=0.82, for_="5m", every="1m", step="50%")
"""As the HPA itself would let go: its window, its target (0.82 of 85 % is 70 %)."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How promotions are written: quantile, lead, and how carefully they let go."""

    confidence: float = 0.9
    lead: str = "auto"
    release: Release = LETTING_GO
    safety_s: float = 60.0
    verify_s: float = 60.0
    utilization: float = 0.85


DEFAULT = Terms()


class Ours:
    """The planner's policy; `trace` gives the calendar and the clock, its demand is not kept."""

    def __init__(self, trace: Trace, ground: Ground, terms: Terms = DEFAULT) -> None:
        self._events = occasions(trace.events)
        clock = clock_of(trace.start)
        self.forecaster = Forecaster(trace.events, clock, q=terms.confidence)
        self._start = trace.start if trace.start.tzinfo else trace.start.replace(tzinfo=dt.UTC)
        self._ground, self._terms = ground, terms
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
        self.forecaster.learn(view.demand)
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
        ahead, behind = SIGHT_MIN, 12 * 60
        return [
            event
            for event in self._events
            if event.start_min - ahead
            <= minute
            < self.forecaster.end_min(event) + behind * self._ours
        ]

    def _at(self, minute: int) -> dt.datetime:
        return self._start + dt.timedelta(minutes=minute)

    def _promotion(self, event: Event) -> Promotion:
        load, terms = self._ground.workload, self._terms
        return Promotion(
            name=f"e{event.start_min}",
            spec=PromotionSpec(
                start=self._at(event.start_min), end=self._at(self.forecaster.end_min(event)), mode="Auto",
                confidence=terms.confidence, release=terms.release, lead=terms.lead,
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
        running = [event for event in near if view.minute < self.forecaster.end_min(event)]
        return [self._curve(curve) for curve in self.forecaster.curves(running, view.demand)]

    def _curve(self, curve: Curve) -> Forecast:
        of = "" if curve.event is None else f"default/e{curve.event.start_min}"
        return Forecast(
            promotion=of, workload=KEY, quantile=self._terms.confidence, begins=self._at(curve.begins_min),
            step_s=curve.step_min * MINUTE_S, demand=tuple((curve.demand / MINUTE_S).tolist()),
            replaces_peak=True,
        )  # fmt: skip
