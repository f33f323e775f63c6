"""A promotion: what a sale asks for, and what is known of it; the Kubernetes object's `spec` and `status`.

Demand is in requests per second. Durations are written as Kubernetes does: `90s`, `15m`, `6h`, `1h30m`.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from contracts.base import Contract

Mode = Literal["Observe", "Approve", "Auto"]
ConflictPolicy = Literal["Yield", "Force"]
WorkloadKind = Literal["HorizontalPodAutoscaler", "Deployment", "ScaledObject"]
Phase = Literal[
    "Planned",  # before its lead, or Observe, or not approved
    "Provisioning",  # nodes are being added
    "Scaling",  # replicas are being raised
    "Ready",  # everything stands, before the start
    "Active",  # between start and end
    "Cooling",  # after the end, until traffic lets go
    "Released",
]

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
DURATION = "([0-9]{1,6}[hms]){1,3}"


def _written(pattern: str, longest: int, *, words: str) -> msgspec.Meta:
    """A text of one shape; refused in these words, which people read in place of the pattern."""
    return msgspec.Meta(pattern=f"^{pattern}$", max_length=longest, description=words)


Duration = Annotated[str, _written(DURATION, 21, words="a duration such as 90s, 15m or 1h30m")]
Lead = Annotated[
    str, _written(f"(auto|{DURATION})", 21, words="auto, or a duration such as 30m or 24h")
]
Milliseconds = Annotated[str, _written("[0-9]{1,6}ms", 8, words="milliseconds such as 50ms")]
Percent = Annotated[str, _written("([1-9]|[1-4][0-9]|50)%", 3, words="from 1% to 50%")]
TimeZone = Annotated[
    str,
    _written("[A-Za-z][A-Za-z0-9_+/-]*", 64, words="an IANA time zone such as Asia/Shanghai"),
]
Name = Annotated[
    str,
    _written(
        "[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", 253, words="a name of lower-case letters, digits, - and ."
    ),
]  # fmt: skip
Rate = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]


class WorkloadRef(Contract, frozen=True, kw_only=True, rename="camel"):
    """What is scaled, in the promotion's own namespace."""

    kind: WorkloadKind = "HorizontalPodAutoscaler"
    name: Name


class Latency(Contract, frozen=True, kw_only=True, rename="camel"):
    """A waiting limit: at most `1 - share` of the requests wait longer than `wait` for a slot (Erlang C).

    `slots` is how many requests a replica serves at once. `Shared`: any free slot of any replica is found;
    `Random`: a replica is picked blindly, so each is its own queue (needs more replicas).
    """

    slots: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    wait: Milliseconds = "50ms"
    share: Share = 0.99
    balancing: Literal["Shared", "Random"] = "Shared"


class PromotedWorkload(Contract, frozen=True, kw_only=True, rename="camel"):
    """One workload of a promotion; `name` is unique in it.

    `expected_peak` is the demand the promotion adds at its peak, on top of ordinary traffic.
    `capacity_per_replica` is what one replica was measured to carry (saturation when `latency` is given);
    without it, the measured one of the workload is used, and without that nothing is scaled.
    `utilization` is the share of capacity planned for; with `latency`, Erlang C decides instead.
    `pool` is where its replicas run and `replicas_per_node` how many fit on a node of it.
    """

    name: Name
    ref: WorkloadRef
    expected_peak: Rate
    capacity_per_replica: Annotated[float, msgspec.Meta(gt=0, le=1e6)] | None = None
    utilization: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.85
    latency: Latency | None = None
    pool: Name | None = None
    replicas_per_node: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None


class PromotedNodes(Contract, frozen=True, kw_only=True, rename="camel"):
    """Nodes a pool gets on top of what it had; without `add`, as many as the pool's workloads need."""

    pool: Name
    add: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None


class Release(Contract, frozen=True, kw_only=True, rename="camel"):
    """How the floor goes down after `end`.

    A step is taken once live demand has been at most `below` of what the remaining replicas carry, for `for`.
    At `end` + `max_hold` the floor falls to what live demand needs. A step is at most `step` percent, at most
    50 replicas, at least one, and `every` apart.
    """

    below: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.7
    for_: Duration = msgspec.field(name="for", default="15m")
    max_hold: Duration = "6h"
    step: Percent = "25%"
    every: Duration = "2m"


class Budget(Contract, frozen=True, kw_only=True, rename="camel"):
    """Node-hours that the promotion may add over everything, hold included."""

    node_hours: Annotated[float, msgspec.Meta(ge=0, le=1e7)]


class PromotionSpec(Contract, frozen=True, kw_only=True, rename="camel"):
    """What is asked for.

    `lead` is how long before `start` everything begins: fixed, or `auto` from measured times, at most
    `lead_max`. `confidence` is the quantile of demand that is planned for, where a forecast exists.
    `time_zone` (IANA) is for people: tables show it; `start` and `end` carry their own offset.
    """

    start: Moment
    end: Moment
    time_zone: TimeZone = "UTC"
    type: Name = "promotion"
    mode: Mode = "Observe"
    confidence: Share = 0.9
    lead: Lead = "auto"
    lead_max: Duration = "24h"
    release: Release = Release()
    budget: Budget | None = None
    conflict_policy: ConflictPolicy = "Yield"
    workloads: Annotated[tuple[PromotedWorkload, ...], msgspec.Meta(min_length=1, max_length=100)]
    nodes: Annotated[tuple[PromotedNodes, ...], msgspec.Meta(max_length=32)] = ()


class Promotion(Contract, frozen=True, kw_only=True, rename="camel"):
    """One promotion as the planner reads it; `approved` counts in mode Approve only.

    `created` is when it became known, None in a file: what was known too late is told from it.
    """

    schema: int = 1
    namespace: Name = "default"
    name: Name
    approved: bool = False
    created: Moment | None = None
    spec: PromotionSpec


def workload_key(namespace: str, ref: WorkloadRef) -> str:
    """How one workload is named across promotions: `Kind/namespace/name`."""
    return f"{ref.kind}/{namespace}/{ref.name}"


def workload_keys(promotion: Promotion) -> list[str]:
    """The workloads of a promotion."""
    return [workload_key(promotion.namespace, one.ref) for one in promotion.spec.workloads]


def promotion_key(promotion: Promotion) -> str:
    """How one promotion is named across namespaces: `namespace/name`."""
    return f"{promotion.namespace}/{promotion.name}"


class PromotionCondition(Contract, frozen=True, kw_only=True, rename="camel"):
    """A condition as Kubernetes knows them; `type` is the planner's, `reason` one word, `message` says what to do."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    last_transition_time: Moment
    observed_generation: int


class Baseline(Contract, frozen=True, kw_only=True, rename="camel"):
    """What a workload had before the first write, and whose it was; written to status before that write.

    `floor` is minReplicas or replicas, `ceiling` maxReplicas. `manager` is the field manager that owned the floor,
    empty when nobody did. `written` is our last word: a live value that differs is somebody else's.
    """

    workload: str
    floor: int
    ceiling: int | None = None
    manager: str = ""
    written: int | None = None
    since: Moment


class PoolBaseline(Contract, frozen=True, kw_only=True, rename="camel"):
    """What a pool had before the first write: its minimum and the nodes there were."""

    pool: str
    minimum: int
    ready: int


class PromotionStatus(Contract, frozen=True, kw_only=True, rename="camel"):
    """The object's status; `replicas` and `nodes` read `ready/wanted`, `shortfall` is in nodes.

    `node_hours` is the bill at most, `spent_node_hours` what was used so far. Conditions are the truth, the phase is
    derived from them and the clock.
    """

    phase: Phase = "Planned"
    observed_generation: int = 0
    replicas: str = ""
    nodes: str = ""
    shortfall: int = 0
    raise_at: Moment | None = None
    hold_until: Moment | None = None
    lead_seconds: int = 0
    node_hours: float = 0.0
    spent_node_hours: float = 0.0
    baselines: Annotated[tuple[Baseline, ...], msgspec.Meta(max_length=100)] = ()
    pool_baselines: Annotated[tuple[PoolBaseline, ...], msgspec.Meta(max_length=32)] = ()
    conditions: Annotated[tuple[PromotionCondition, ...], msgspec.Meta(max_length=32)] = ()


class PlanCondition(Contract, frozen=True, kw_only=True, rename="camel"):
    """What stands in a promotion's way, in words that say what to do; `shortfall` in nodes or node-hours."""

    type: str
    subject: str
    message: str
    shortfall: float


class PlannedPromotion(Contract, frozen=True, kw_only=True, rename="camel"):
    """One promotion as it would go if traffic came and went as told: `node_hours`; at most: `node_hours_max`.

    `replicas` and `nodes` are what it adds at its peak; `released_at` is when everything is back, None when that
    is not before its hold ends.
    """

    name: str
    mode: Mode
    start: Moment
    end: Moment
    time_zone: str
    lead_seconds: int
    raise_at: Moment
    ready_at: Moment | None
    released_at: Moment | None
    hold_until: Moment
    replicas: dict[str, int]
    nodes: dict[str, int]
    node_hours: float
    node_hours_max: float
    conditions: tuple[PlanCondition, ...]


class PlanHour(Contract, frozen=True, kw_only=True, rename="camel"):
    """One hour in which something is held: the most nodes and replicas of it, and node-hours added by promotions."""

    begins: Moment
    nodes: dict[str, int]
    replicas: dict[str, int]
    node_hours: float
    events: tuple[str, ...]


class PlanReport(Contract, frozen=True, kw_only=True, rename="camel"):
    """`isthmus autoscale plan --json`; `ok` when nothing stands in any promotion's way."""

    schema: int = 1
    ok: bool
    promotions: tuple[PlannedPromotion, ...]
    hours: tuple[PlanHour, ...]
