"""How promotions would go in a world without surprises: nodes and pods take their p95, traffic comes as told.

The same `plan` that acts in a cluster is asked from event to event, and what it says is done to the imagined one.
Traffic is each promotion's demand from start to end, and afterwards none of it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from autoscale.plan.capacity import Capacity, replicas_for
from autoscale.plan.curves import Curves, highest
from autoscale.plan.durations import seconds
from autoscale.plan.model import (
    Forecast,
    Observed,
    Plan,
    PoolObserved,
    Timing,
    WorkloadObserved,
    World,
)
from autoscale.plan.parts import Part
from autoscale.plan.planner import plan
from autoscale.plan.prepare import Prepared, prepare
from contracts.promotion import Promotion, workload_keys

STEPS_MAX = 20_000
"""Enough for a thousand promotions; a rehearsal that does not end by itself ends here."""
SETTLE_S = 1.0


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One look: from `at_s` until `until_s` this is how it stands."""

    at_s: float
    until_s: float
    plan: Plan
    observed: Observed


def rehearse(
    now: datetime, promotions: Sequence[Promotion], observed: Observed, *,
    timing: Timing, forecasts: Sequence[Forecast] = (),
) -> Iterator[Moment]:  # fmt: skip
    """Every look from now until everything is released; what only observes is rehearsed as if it acted."""
    acting = [
        msgspec.structs.replace(one, approved=True, spec=msgspec.structs.replace(one.spec, mode="Auto"))
        for one in promotions
    ]  # fmt: skip
    stage = _Stage(acting, observed, timing, forecasts)
    at_s = now.timestamp()
    for _ in range(STEPS_MAX):
        seen = stage.look(at_s)
        said = plan(
            datetime.fromtimestamp(at_s, UTC), acting, seen, timing=timing, forecasts=forecasts
        )
        stage.act(at_s, said)
        until_s = None if stage.is_over(said) else stage.next_event(at_s, said)
        if until_s is None:
            yield Moment(at_s=at_s, until_s=at_s, plan=said, observed=seen)
            return
        yield Moment(at_s=at_s, until_s=until_s, plan=said, observed=seen)
        stage.account(said, until_s - at_s)
        at_s = until_s


class _Stage:
    """The imagined cluster."""

    def __init__(
        self, promotions: Sequence[Promotion], observed: Observed, timing: Timing,
        forecasts: Sequence[Forecast],
    ) -> None:  # fmt: skip
        self._workloads, self._pools = dict(observed.workloads), dict(observed.pools)
        self._spent = dict(observed.spent_node_hours)
        self._timing = timing
        world, curves = World(0.0, observed, timing), Curves(forecasts)
        self._prepared = [prepare(world, one, curves) for one in promotions]
        self._pods: list[tuple[float, str, int]] = []
        self._nodes: list[tuple[float, str, int]] = []

    def look(self, at_s: float) -> Observed:
        """What there is at a moment; what was started long enough ago is there."""
        for due_s, key, replicas in self._pods:
            if due_s <= at_s:
                self._arrive(key, replicas)
        for due_s, pool, nodes in self._nodes:
            if due_s <= at_s:
                seen = self._pools[pool]
                ready = max(seen.ready, min(nodes, seen.minimum))
                self._pools[pool] = msgspec.structs.replace(seen, ready=ready)
        self._pods = [one for one in self._pods if one[0] > at_s]
        self._nodes = [one for one in self._nodes if one[0] > at_s]
        for key in self._workloads:
            self._serve(key, at_s)
        return Observed(
            workloads=dict(self._workloads),
            pools=dict(self._pools),
            spent_node_hours=dict(self._spent),
        )

    def _arrive(self, key: str, replicas: int) -> None:
        seen = self._workloads[key]
        ready = max(seen.ready, min(replicas, seen.floor))
        self._workloads[key] = msgspec.structs.replace(
            seen, ready=ready, replicas=max(ready, seen.floor)
        )

    def _serve(self, key: str, at_s: float) -> None:
        """Live demand, and what an HPA makes of it: never fewer than it needs."""
        parts = [(one, part) for one in self._prepared for part in one.parts if part.key == key]
        demand = sum(_demand(one, part, at_s, at_s) for one, part in parts)
        window_s = max((seconds(one.promotion.spec.release.for_) for one, _ in parts), default=0.0)
        high = sum(_demand(one, part, at_s - window_s, at_s) for one, part in parts)
        capacity: Capacity | None = parts[0][1].capacity if parts else None
        needed = replicas_for(demand, capacity) if capacity is not None else 0
        seen = self._workloads[key]
        kept = max(seen.floor, min(seen.ready, needed))
        self._workloads[key] = msgspec.structs.replace(
            seen, demand=demand, demand_high=high, replicas=max(kept, seen.floor),
            ready=min(seen.ready, max(kept, needed)), desired=max(seen.floor, needed),
        )  # fmt: skip

    def act(self, at_s: float, said: Plan) -> None:
        """Do what was said."""
        for key, wanted in said.workloads.items():
            if wanted.action in {"raise", "lower", "restore"}:
                self._write(key, at_s, wanted.floor, restore=wanted.action == "restore")
        for pool, wanted in said.pools.items():
            seen = self._pools[pool]
            if wanted.restore:
                self._pools[pool] = msgspec.structs.replace(
                    seen, minimum=wanted.nodes, baseline=None, baseline_ready=None,
                    ready=min(seen.ready, max(wanted.nodes, seen.baseline_ready or 0)),
                )  # fmt: skip
            elif wanted.nodes != seen.minimum and (wanted.promotions or seen.baseline is not None):
                self._resize(pool, seen, at_s, wanted.nodes)

    def _write(self, key: str, at_s: float, floor: int, *, restore: bool) -> None:
        seen = self._workloads[key]
        if floor > seen.ready:
            self._pods.append((at_s + self._timing.of_pod(key), key, floor))
        self._workloads[key] = msgspec.structs.replace(
            seen, floor=floor, baseline=None if restore else seen.base,
            floor_since=datetime.fromtimestamp(at_s, UTC), ready=min(seen.ready, max(floor, seen.desired)),
        )  # fmt: skip

    def _resize(self, pool: str, seen: PoolObserved, at_s: float, nodes: int) -> None:
        if nodes > seen.ready:
            self._nodes.append((at_s + self._timing.of_node(pool), pool, nodes))
        first = seen.baseline is None
        self._pools[pool] = msgspec.structs.replace(
            seen, minimum=nodes, ready=min(seen.ready, max(nodes, seen.minimum if first else nodes)),
            baseline=seen.minimum if first else seen.baseline,
            baseline_ready=seen.ready if first else seen.baseline_ready,
        )  # fmt: skip

    def account(self, said: Plan, lasted_s: float) -> None:
        """Add up node-hours, as the controller does."""
        for key, one in said.promotions.items():
            used = sum(one.nodes_now.values()) * lasted_s / 3600
            self._spent[key] = self._spent.get(key, 0.0) + used

    def is_over(self, said: Plan) -> bool:
        """Whether every promotion has ended and nothing is held any more."""
        held = any(seen.baseline is not None for seen in self._workloads.values())
        return not held and all(one.phase == "Released" for one in said.promotions.values())

    def next_event(self, at_s: float, said: Plan) -> float | None:
        """When something changes by itself; None when everything is over."""
        events = [due_s for due_s, _, _ in (*self._pods, *self._nodes)]
        if said.next_boundary is not None:
            events.append(said.next_boundary.timestamp())
        for one in self._prepared:
            window_s = seconds(one.promotion.spec.release.for_)
            events += [one.start_s, one.end_s, one.end_s + window_s + SETTLE_S]
        ahead = [event for event in events if event > at_s]
        if not ahead:
            return None
        return max(min(ahead), at_s + SETTLE_S)


def _demand(prepared: Prepared, part: Part, since_s: float, until_s: float) -> float:
    """The most that a promotion brings to a workload within a stretch of time."""
    if part.curve is not None:
        return highest(part.curve, since_s, until_s) * (
            part.peak / max(part.curve.demand, default=1.0)
        )
    on = since_s < prepared.end_s and until_s >= prepared.start_s
    return part.peak if on else 0.0


def unknown(promotions: Sequence[Promotion]) -> dict[str, WorkloadObserved]:
    """Workloads nobody has looked at: one replica each, and room to grow."""
    keys = (key for one in promotions for key in workload_keys(one))
    return dict.fromkeys(keys, WorkloadObserved(replicas=1, ready=1, floor=1))
