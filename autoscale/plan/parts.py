"""The workloads of one promotion with capacity and demand, the nodes they need, and the lead they take."""

import math
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from autoscale.plan.capacity import Capacity, replicas_for
from autoscale.plan.curves import Curves, highest_until, scale_of
from autoscale.plan.durations import seconds
from autoscale.plan.model import Condition, Forecast, Observed, Timing
from autoscale.plan.steps import steps_between
from contracts.promotion import (
    PromotedWorkload,
    Promotion,
    WorkloadRef,
    promotion_key,
    workload_key,
)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One workload of one promotion: the most demand and `replicas` it adds, and its replicas per node."""

    key: str
    workload: PromotedWorkload
    capacity: Capacity
    curve: Forecast | None
    peak: float
    replicas: int
    per_node: int | None

    def demand_until(self, until_s: float, start_s: float) -> float:
        """The most this adds up to a moment; without a forecast, all of it from the start on."""
        if self.curve is None:
            return self.peak if until_s >= start_s else 0.0
        scale = scale_of(self.curve, self.workload.expected_peak)
        return highest_until(self.curve, until_s) * scale


def capacity_of(workload: PromotedWorkload, measured: float | None) -> Capacity | None:
    """What a replica carries: as given, else as measured; None when neither is known."""
    each = workload.capacity_per_replica or measured
    if each is None or not 0 < each < math.inf:
        return None
    if workload.latency is None:
        return _by_utilization(each, workload.utilization)
    limit = workload.latency
    return Capacity(
        per_replica=each, slots=limit.slots, wait=limit.wait, share=limit.share,
        shared=limit.balancing == "Shared",
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _by_utilization(per_replica: float, utilization: float) -> Capacity:
    return Capacity(per_replica=per_replica, utilization=utilization)


@lru_cache(maxsize=65_536)
def _key(namespace: str, ref: WorkloadRef) -> str:
    """One text for all promotions that name the workload."""
    return workload_key(namespace, ref)


def parts_of(
    promotion: Promotion, observed: Observed, curves: Curves
) -> tuple[list[Part], list[Condition]]:
    """The workloads that can be planned, and what keeps the others from it."""
    parts: list[Part] = []
    wrong: list[Condition] = []
    name = promotion_key(promotion)
    for workload in promotion.spec.workloads:
        key = _key(promotion.namespace, workload.ref)
        seen = observed.workloads.get(key)
        if seen is None:
            wrong.append(_missing(key))
            continue
        capacity = capacity_of(workload, seen.capacity)
        if capacity is None:
            wrong.append(_unmeasured(key))
            continue
        curve = curves.of(name, key, promotion.spec.confidence)
        peak = _peak_of(workload, curve)
        parts.append(
            Part(
                key=key, workload=workload, capacity=capacity, curve=curve, peak=peak,
                replicas=replicas_for(peak, capacity),
                per_node=workload.replicas_per_node or seen.per_node,
            )
        )  # fmt: skip
    return parts, wrong


def _peak_of(workload: PromotedWorkload, curve: Forecast | None) -> float:
    if curve is None:
        return workload.expected_peak
    return max(curve.demand, default=0.0) * scale_of(curve, workload.expected_peak)


def _missing(key: str) -> Condition:
    return Condition(
        type="WorkloadMissing", subject=key,
        message=f"{key} does not exist; create it, or correct the workload's ref",
    )  # fmt: skip


def _unmeasured(key: str) -> Condition:
    return Condition(
        type="CapacityUnknown", subject=key,
        message=f"nobody measured what a replica of {key} carries; "
        "set capacityPerReplica, or run a load test against it",
    )  # fmt: skip


def nodes_of(
    promotion: Promotion, parts: list[Part]
) -> tuple[dict[str, int], frozenset[str], list[Condition]]:
    """Nodes to add per pool, the pools where the number was given, and pools where none can be derived.

    Without a workload that can be planned there are none: nothing would run on them.
    """
    if not parts:
        return {}, frozenset(), []
    given = {entry.pool: entry.add for entry in promotion.spec.nodes}
    nodes = {pool: add for pool, add in given.items() if add is not None}
    derived: dict[str, float] = {}
    for part in parts:
        pool = part.workload.pool
        if pool is None or given.get(pool) is not None or part.per_node is None:
            continue
        derived[pool] = derived.get(pool, 0.0) + part.replicas / part.per_node
    unknown = [
        Condition(
            type="CapacityUnknown", subject=pool,
            message=f"how many nodes {pool} needs cannot be told; "
            "set nodes[].add, or pool and replicasPerNode of the workloads",
        )
        for pool, add in given.items()
        if add is None and pool not in derived
    ]  # fmt: skip
    nodes |= {pool: math.ceil(count - 1e-9) for pool, count in derived.items()}
    return nodes, frozenset(p for p, add in given.items() if add is not None), unknown


def lead_of(
    promotion: Promotion, parts: list[Part], nodes: Mapping[str, int], observed: Observed, timing: Timing
) -> float:  # fmt: skip
    """Seconds from the first node to the start: fixed, or nodes, then every step of replicas, then checks."""
    spec = promotion.spec
    if spec.lead != "auto":
        return seconds(spec.lead)
    node_s = max((timing.of_node(pool) for pool in nodes if nodes[pool]), default=0)
    ramp_s = max((ramp_of(part, observed, timing) for part in parts), default=0.0)
    return min(node_s + ramp_s + timing.verify_s + timing.safety_s, seconds(spec.lead_max))


def ramp_of(part: Part, observed: Observed, timing: Timing) -> float:
    """Seconds to step one workload from its baseline to what the promotion alone needs on top."""
    seen = observed.workloads[part.key]
    steps = steps_between(seen.base, seen.base + part.replicas)
    return steps * timing.of_pod(part.key)
