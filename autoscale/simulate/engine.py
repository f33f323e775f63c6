"""Runs one policy over one trace in virtual time: syncs, scans, starts and arrivals as events, seeded.

Demand is constant within a minute; between two events nothing changes, so served requests are exact integrals.
"""

import math
from collections import deque

import msgspec
import numpy as np

from autoscale.simulate.cluster import Cluster
from autoscale.simulate.ground import Ground
from autoscale.simulate.hpa import SYNC_S, Bounds, Hpa
from autoscale.simulate.hpa_replicas import Pods, by_average_value, by_utilization
from autoscale.simulate.policy import NOTHING, Policy, View, Wish
from autoscale.simulate.trace import MINUTE_S, Minutes, Trace


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in each scored minute; `node_hours` and counts are over the scored part.

    `served` in requests, `ready` and `nodes` as means over the minute, `floor` as wished.
    """

    served: Minutes
    ready: Minutes
    nodes: Minutes
    floor: Minutes
    node_hours: float
    scalings: int
    node_failures: int


class Simulation:
    """The state of one run; `run` below is the way in."""

    def __init__(self, trace: Trace, policy: Policy, *, ground: Ground, seed: int) -> None:
        self.trace, self.policy, self.ground = trace, policy, ground
        self.rng = np.random.default_rng(seed)
        self.minute = trace.first_min
        self.now_s = self.minute * MINUTE_S
        load = ground.workload
        began = math.ceil(trace.demand[self.minute] / load.per_replica / load.target)
        self.cluster = Cluster(ground, self.rng, replicas=max(began, load.replicas_min))
        self.hpa = Hpa(load.up, load.down)
        self.wish, self.recommended = NOTHING, self.cluster.replicas
        self.scalings = 0
        metrics = ground.metrics
        self.lag = math.ceil(metrics.delay_s / SYNC_S)
        self.samples = max(1, math.ceil(metrics.window_s / SYNC_S))
        self.used: deque[float] = deque(maxlen=self.lag + self.samples)
        minutes = trace.last_min - trace.first_min
        self.series = np.zeros((4, minutes))
        """Rows: served requests, ready pod-seconds, node-seconds, floor."""
        self._since = [0.0, 0.0]
        """Served, and what could have been served, since the last sync: one sample of the utilization."""

    def run(self) -> Run:
        """The whole scored part."""
        end_s = self.trace.last_min * MINUTE_S
        sync_s = policy_s = self.now_s
        scan_s = math.inf
        while self.now_s < end_s:
            if self.now_s >= policy_s:
                self._decide()
                policy_s += self.ground.policy_every_s
            if self.now_s >= sync_s:
                self._sync()
                sync_s += SYNC_S
            if self.now_s >= scan_s:
                self.cluster.scan(self.now_s)
            scan_s = self._next_scan_s()
            minute_s = (self.minute + 1) * MINUTE_S
            self._advance(
                min(sync_s, policy_s, scan_s, minute_s, self.cluster.next_change_s(), end_s)
            )
            if self.now_s >= minute_s:
                self.minute += 1
                self.cluster.retire(self.now_s)
            self.cluster.settle(self.now_s)
        return self._result()

    def _advance(self, until_s: float) -> None:
        span_s = until_s - self.now_s
        load = self.ground.workload
        offered = float(self.trace.demand[self.minute]) / MINUTE_S * span_s
        possible = self.cluster.ready * load.per_replica / MINUTE_S * span_s
        served = min(offered, possible)
        column = self.series[:, self.minute - self.trace.first_min]
        column += (served, self.cluster.ready * span_s, self.cluster.nodes * span_s, 0.0)
        column[3] = self.wish.floor
        self._since[0] += served
        self._since[1] += possible
        self.now_s = until_s

    def _decide(self) -> None:
        cluster = self.cluster
        self.wish = self.policy.decide(
            View(
                minute=self.minute,
                demand=self.trace.demand[: self.minute],
                replicas=cluster.replicas,
                ready=cluster.ready,
                nodes=cluster.nodes,
                recommended=self.recommended,
            )
        )
        cluster.node_floor = self.wish.nodes

    def _sync(self) -> None:
        served, possible = self._since
        if possible > 0:
            self.used.append(served / possible)
        self._since = [0.0, 0.0]
        load, cluster = self.ground.workload, self.cluster
        low = min(max(load.replicas_min, self.wish.floor), load.replicas_max)
        asked = self._asked(self.wish)
        valid = [n for n in asked if n is not None]
        self.recommended = max(valid) if valid else self.recommended
        wanted = self.hpa.sync(
            self.now_s, cluster.replicas, bounds=Bounds(low=low, high=load.replicas_max), asked=asked
        )  # fmt: skip
        if wanted != cluster.replicas:
            self.scalings += 1
            cluster.scale(self.now_s, wanted)

    def _asked(self, wish: Wish) -> list[int | None]:
        """One recommendation per metric: CPU, then the schedule if the policy feeds one."""
        load, current = self.ground.workload, self.cluster.replicas
        pods = self._pods()
        cpu = None
        if pods is not None:
            cpu = by_utilization(current, pods, target=load.target, tolerance=load.tolerance)
        if wish.scheduled is None:
            return [cpu]
        scheduled = by_average_value(
            current, float(wish.scheduled), target=1.0, tolerance=load.tolerance
        )
        return [cpu, scheduled]

    def _pods(self) -> Pods | None:
        """The pods with the newest sample the pipeline has delivered; None while it delivers none."""
        metrics, cluster = self.ground.metrics, self.cluster
        if any(begin <= self.minute < end for begin, end in metrics.outages_min):
            return None
        if len(self.used) <= self.lag:
            return None
        count = len(self.used) - self.lag
        newest = list(self.used)[max(0, count - self.samples) : count]
        measured = cluster.measured(self.now_s - SYNC_S)
        missing = 0
        if metrics.loss_share > 0 and measured > 1:
            missing = int(self.rng.binomial(measured, metrics.loss_share))
        return Pods(
            measured=measured - missing,
            utilization=sum(newest) / len(newest),
            unready=cluster.replicas - measured,
            missing=missing,
        )

    def _next_scan_s(self) -> float:
        cluster, pool = self.cluster, self.ground.nodes
        held = cluster.nodes + cluster.launched
        if cluster.waiting == 0 and held >= cluster.node_floor:
            return math.inf
        return (math.floor(self.now_s / pool.scan_s) + 1) * pool.scan_s

    def _result(self) -> Run:
        served, ready_s, node_s, floor = self.series
        return Run(
            served=served,
            ready=ready_s / MINUTE_S,
            nodes=node_s / MINUTE_S,
            floor=floor,
            node_hours=float(node_s.sum()) / 3600,
            scalings=self.scalings,
            node_failures=self.cluster.failures,
        )


def run(trace: Trace, policy: Policy, *, ground: Ground, seed: int) -> Run:
    """One policy over one trace; the same arguments give the same result."""
    return Simulation(trace, policy, ground=ground, seed=seed).run()
