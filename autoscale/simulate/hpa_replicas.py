"""How many replicas a metric asks for: the replica calculator of the Horizontal Pod Autoscaler.

Ported from kubernetes pkg/controller/podautoscaler/replica_calculator.go. Load is balanced evenly in the simulator,
so a count of measured pods and their mean stand for the per-pod map of the original: every rule there uses sums.
"""

import math

import msgspec

FULL = 1.0
"""What a pod without a sample is assumed to use when the rest points down, as a share of its request."""


class Pods(msgspec.Struct, frozen=True, kw_only=True):
    """The pods of a workload as the autoscaler sees them.

    `utilization` is the mean of the `measured` ready pods as a share of their request; `unready` have not started
    or have no whole sample since; `missing` are ready but their sample is lost.
    """

    measured: int
    utilization: float
    unready: int = 0
    missing: int = 0


def by_utilization(current: int, pods: Pods, *, target: float, tolerance: float) -> int | None:
    """Replicas for a utilization target; None if no ready pod has a sample (the metric is invalid)."""
    if pods.measured == 0:
        return None
    ratio = pods.utilization / target
    unready_counts = pods.unready > 0 and ratio > 1
    if not unready_counts and pods.missing == 0:
        if abs(1 - ratio) <= tolerance:
            return current
        return math.ceil(ratio * pods.measured)
    rebalanced, count = _with_the_silent(pods, ratio, target=target)
    if abs(1 - rebalanced) <= tolerance or (ratio < 1) != (rebalanced < 1):
        return current
    wanted = math.ceil(rebalanced * count)
    turned = wanted > current if rebalanced < 1 else wanted < current
    return current if turned else wanted


def _with_the_silent(pods: Pods, ratio: float, *, target: float) -> tuple[float, int]:
    """The ratio when silent pods get the value that damps the move: full when going down, none when going up."""
    total, count = pods.utilization * pods.measured, pods.measured
    if pods.missing:
        count += pods.missing
        if ratio < 1:
            total += pods.missing * max(FULL, target)
    if pods.unready and ratio > 1:
        count += pods.unready
    return total / (target * count), count


def by_average_value(current: int, total: float, *, target: float, tolerance: float) -> int:
    """Replicas for an external metric with an AverageValue target; within the tolerance nothing moves."""
    if current > 0 and abs(1 - total / (target * current)) <= tolerance:
        return current
    return math.ceil(total / target)
