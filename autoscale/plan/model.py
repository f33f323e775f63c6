"""What the planner is given and what it answers.

Times are aware datetimes; demand is in requests per second; `*_s` are seconds. Workloads are named by
`contracts.promotion.workload_key`, promotions by `promotion_key`, pools by their name.
"""

from datetime import datetime
from typing import Literal

import msgspec

from contracts.promotion import Phase


class WorkloadObserved(msgspec.Struct, frozen=True, kw_only=True):
    """One workload as it is now.

    `replicas` exist, `ready` of them serve. `floor` is the minimum in force (HPA minReplicas; a Deployment's
    replicas), `ceiling` the HPA's maxReplicas, None without one. `baseline` is the floor and `baseline_ceiling`
    the ceiling recorded before the first write, None while nothing of ours stands.
    `floor_since` is when the floor last changed (None: not known to have changed).
    `demand` is live demand now and `demand_high` its highest over the last `release.for`; None when metrics are
    missing or do not reach back that far. `wanted` is what the HPA's metrics alone ask for, before its floor.
    `capacity` is the measured capacity of a replica, `per_node` how many replicas a node of its pool holds.
    `owner` is who else scales it: another HPA, or a field manager that took our field; empty when nobody.
    """

    replicas: int
    ready: int
    floor: int
    ceiling: int | None = None
    desired: int = 0
    baseline: int | None = None
    baseline_ceiling: int | None = None
    floor_since: datetime | None = None
    demand: float | None = None
    demand_high: float | None = None
    wanted: int | None = None
    capacity: float | None = None
    per_node: int | None = None
    owner: str = ""

    @property
    def base(self) -> int:
        """The floor there was before anything of ours."""
        return self.floor if self.baseline is None else self.baseline


class PoolObserved(msgspec.Struct, frozen=True, kw_only=True):
    """One node pool: `ready` nodes now, `maximum` by quota or group (None: unknown, nothing is judged).

    `minimum` is the node minimum in force. `baseline` is that minimum and `baseline_ready` the nodes there were,
    both recorded before the first write. `others` is how many nodes the pods of workloads that are in no
    promotion fill.
    """

    ready: int
    minimum: int = 0
    maximum: int | None = None
    baseline: int | None = None
    baseline_ready: int | None = None
    others: int = 0

    @property
    def least(self) -> int:
        """The minimum there was before anything of ours."""
        return self.minimum if self.baseline is None else self.baseline

    @property
    def base(self) -> int:
        """The nodes there were before anything of ours."""
        return self.ready if self.baseline_ready is None else self.baseline_ready


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """Everything seen in one pass; `spent_node_hours` is what each promotion has used so far."""

    workloads: dict[str, WorkloadObserved] = msgspec.field(
        default_factory=dict[str, WorkloadObserved]
    )
    pools: dict[str, PoolObserved] = msgspec.field(default_factory=dict[str, PoolObserved])
    spent_node_hours: dict[str, float] = msgspec.field(default_factory=dict[str, float])


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How long things take, p95 in seconds, measured where known; `node_s` by pool, `pod_s` by workload.

    `verify_s` is for the checks before the start, `safety_s` for what was not measured.
    """

    node_s: dict[str, float] = msgspec.field(default_factory=dict[str, float])
    pod_s: dict[str, float] = msgspec.field(default_factory=dict[str, float])
    node_default_s: float = 600.0
    pod_default_s: float = 120.0
    verify_s: float = 60.0
    safety_s: float = 300.0

    def of_node(self, pool: str) -> float:
        """Seconds until a node of the pool is ready."""
        return self.node_s.get(pool, self.node_default_s)

    def of_pod(self, workload: str) -> float:
        """Seconds until a pod of the workload is ready."""
        return self.pod_s.get(workload, self.pod_default_s)


class World(msgspec.Struct, frozen=True):
    """The moment, what was seen at it, and how long things take."""

    now_s: float
    observed: Observed
    timing: Timing


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """A demand curve: `demand[i]` holds from `begins` + i x `step_s` for `step_s`.

    Of `promotion` (what it adds to `workload` at `quantile`), or, with `promotion` empty, the workload's
    ordinary traffic. A promotion with a forecast is planned by it, never below `expected_peak` at the peak
    unless `replaces_peak`; without one, `expected_peak` holds from start to end. The planner takes the lowest
    quantile that is at least the promotion's confidence, else the highest there is.
    """

    promotion: str
    workload: str
    quantile: float
    begins: datetime
    step_s: float
    demand: tuple[float, ...]
    replaces_peak: bool = False


ConditionType = Literal[
    "Infeasible",  # a pool's maximum is too small; `shortfall` in nodes
    "OverBudget",  # the budget does not carry it; `shortfall` in node-hours
    "Invalid",  # the object asks for what cannot be: nothing of it is scaled
    "CapacityUnknown",  # neither given nor measured; the workload is left alone
    "Conflict",  # somebody else scales it
    "WorkloadMissing",  # the workload does not exist
    "Late",  # it was known, or ready, later than its lead
    "AwaitingApproval",
    "MetricsMissing",  # held, since nothing says that traffic is gone
    "Past",  # ended before it was ever acted on
]


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person should know: `message` says what, and what to do; `shortfall` is 0 where none."""

    type: ConditionType
    subject: str
    message: str
    shortfall: float = 0.0


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """Something that must stand by `deadline`: nodes of a pool, or replicas of a workload."""

    kind: Literal["nodes", "replicas"]
    subject: str
    deadline: datetime
    wanted: int
    have: int
    state: Literal["waiting", "met", "missed"]


class WorkloadPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with one workload now.

    `action`: `raise` and `lower` write `floor` (and `ceiling` where it is not None) after the baseline was
    recorded; `hold` writes nothing; `restore` writes the baseline back and forgets it; `none` is not ours.
    `need` is what acting promotions need now, `floor` what the minimum should be.
    """

    action: Literal["raise", "lower", "hold", "restore", "none"]
    floor: int
    need: int
    ceiling: int | None
    promotions: tuple[str, ...]
    reason: str


class PoolPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`nodes` wanted now as the pool's minimum, at most its maximum; `short` is what the maximum takes away."""

    nodes: int
    added: int
    short: int
    restore: bool
    promotions: tuple[str, ...]
    reason: str


class PromotionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One promotion: when it begins and lets go at the latest, what it costs at most, what is wrong with it.

    `nodes` and `replicas` are what it adds at its peak, per pool and per workload; `nodes_now` what it holds at
    this moment (for the running account of node-hours). `node_hours` is the bill when held until `hold_until`.
    """

    phase: Phase
    acting: bool
    lead_s: float
    raise_at: datetime
    hold_until: datetime
    nodes: dict[str, int]
    replicas: dict[str, int]
    nodes_now: dict[str, int]
    node_hours: float
    conditions: tuple[Condition, ...]
    gates: tuple[Gate, ...]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer; `next_boundary` is when a clock alone changes it (None: never)."""

    at: datetime
    workloads: dict[str, WorkloadPlan]
    pools: dict[str, PoolPlan]
    promotions: dict[str, PromotionPlan]
    next_boundary: datetime | None
