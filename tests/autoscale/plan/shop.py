"""A shop in which everything goes wrong at random, driven by the planner minute by minute.

Pods start late or never, nodes come late, metrics go missing, the planner is away for a while, people ask for
more than pools and budgets give. The shop applies what the plan says and remembers what happened.
"""

import math
import random
from datetime import datetime

import msgspec

from autoscale.plan.model import Observed, Plan, PoolObserved, WorkloadObserved
from autoscale.plan.planner import plan
from contracts.promotion import Promotion
from tests.autoscale.plan.sales import MINUTE, TIMING

FOR_TICKS = 15
"""The window behind `demand_high`: the default of `release.for`, in ticks of a minute."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Chances per minute: a pod becomes ready, a node comes, metrics are missing, the planner is away."""

    pod_ready: float = 1.0
    node_ready: float = 1.0
    metrics_missing: float = 0.0
    away: float = 0.0
    demand_max: float = 0.0


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen, what was said to it, and what was said to the world after doing it."""

    at: datetime
    observed: Observed
    plan: Plan
    again: Plan


class Shop:
    """State of one cluster; `tick` is one minute of it."""

    def __init__(
        self, promotions: list[Promotion], workloads: dict[str, WorkloadObserved],
        pools: dict[str, PoolObserved], *, trouble: Trouble, seed: int,
    ) -> None:  # fmt: skip
        self.promotions, self.workloads, self.pools = promotions, workloads, pools
        self.trouble, self.chance = trouble, random.Random(seed)
        self.demand: dict[str, list[float]] = {key: [] for key in workloads}
        self.spent: dict[str, float] = {}
        self.ticks: list[Tick] = []
        self.restored = self.recorded = 0

    def run(self, since: datetime, minutes: int) -> list[Tick]:
        for minute in range(minutes):
            self.live()
            if self.chance.random() >= self.trouble.away:
                self.act(since + minute * MINUTE)
            else:
                self.spend(self.ticks[-1].plan if self.ticks else None)
        return self.ticks

    def live(self) -> None:
        """One minute in which pods start, nodes come and people buy."""
        for key, seen in self.workloads.items():
            load = self.chance.random() * self.trouble.demand_max
            self.demand[key].append(load)
            replicas = max(seen.floor, 1)
            missing = replicas - seen.ready
            came = sum(
                self.chance.random() < self.trouble.pod_ready for _ in range(max(0, missing))
            )
            blind = self.chance.random() < self.trouble.metrics_missing
            self.workloads[key] = msgspec.structs.replace(
                seen, replicas=replicas, ready=min(replicas, seen.ready + came),
                demand=None if blind else load,
                demand_high=None if blind else max(self.demand[key][-FOR_TICKS:]),
            )  # fmt: skip
        for name, pool in self.pools.items():
            came = pool.ready < pool.minimum and self.chance.random() < self.trouble.node_ready
            ready = pool.ready + 1 if came else max(pool.minimum, pool.ready - 1)
            self.pools[name] = msgspec.structs.replace(pool, ready=ready)

    def see(self) -> Observed:
        return Observed(
            workloads=dict(self.workloads),
            pools=dict(self.pools),
            spent_node_hours=dict(self.spent),
        )

    def act(self, at: datetime) -> None:
        observed = self.see()
        said = plan(at, self.promotions, observed, timing=TIMING)
        self.apply(at, said)
        again = plan(at, self.promotions, self.see(), timing=TIMING)
        self.ticks.append(Tick(at=at, observed=observed, plan=said, again=again))
        self.spend(said)

    def spend(self, said: Plan | None) -> None:
        for key, one in said.promotions.items() if said else ():
            self.spent[key] = self.spent.get(key, 0.0) + sum(one.nodes_now.values()) / 60

    def apply(self, at: datetime, said: Plan) -> None:
        """What the controller would do: record, write, restore."""
        for key, wanted in said.workloads.items():
            seen = self.workloads[key]
            if wanted.action in {"raise", "lower"}:
                self.recorded += seen.baseline is None
                self.workloads[key] = msgspec.structs.replace(
                    seen, floor=wanted.floor, floor_since=at, ceiling=wanted.ceiling,
                    baseline=seen.floor if seen.baseline is None else seen.baseline,
                    baseline_ceiling=seen.ceiling if seen.baseline is None else seen.baseline_ceiling,
                )  # fmt: skip
            elif wanted.action == "restore":
                assert seen.baseline is not None
                self.restored += 1
                self.workloads[key] = msgspec.structs.replace(
                    seen, floor=wanted.floor, ceiling=wanted.ceiling, floor_since=at,
                    baseline=None, baseline_ceiling=None,
                )  # fmt: skip
        for name, wanted in said.pools.items():
            pool = self.pools[name]
            first = pool.baseline is None and wanted.nodes > pool.minimum
            ours = pool.baseline is not None or first
            self.pools[name] = msgspec.structs.replace(
                pool, minimum=wanted.nodes if ours else pool.minimum,
                baseline=None if wanted.restore else pool.minimum if first else pool.baseline,
                baseline_ready=None if wanted.restore else pool.ready if first else pool.baseline_ready,
            )  # fmt: skip


def carries(demand: float, each: float = 85.0) -> int:
    """The oracle of these tests: 85 requests/s a replica, whole replicas; not the planner's code."""
    return math.ceil(demand / each - 1e-6)
