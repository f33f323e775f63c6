"""`load run -f plan.yaml`: the plan of a driven run and the lines its workers write.

A run's directory holds `plan.json`, `run.json` (last, atomically), `machine.ndjson`, and per worker K
`cells-K.ndjson`, `pulse-K.ndjson`, `rows-K.ndjson`, `orders-K.ndjson` and `worker-K.json`.
"""

from typing import Annotated, Literal

from msgspec import Meta, field

from contracts.base import Contract
from contracts.load import Outcome, TrafficClass

Name = Annotated[
    str,
    Meta(
        pattern="^[a-z][a-z0-9_-]{0,31}$",
        extra_json_schema={"description": "a name of lowercase letters, digits, - and _"},
    ),
]
Positive = Annotated[
    float, Meta(ge=1e-6, le=1e9, extra_json_schema={"description": "a number greater than 0"})
]
Rate = Annotated[
    float, Meta(ge=0, le=1e9, extra_json_schema={"description": "requests per second, 0 or more"})
]
Share = Annotated[float, Meta(ge=0, le=1, extra_json_schema={"description": "a share from 0 to 1"})]
Count = Annotated[
    int, Meta(ge=1, le=1_000_000, extra_json_schema={"description": "a whole number from 1"})
]


class Feed(Contract, frozen=True, kw_only=True):
    """Data for `${feed}` or `${feed.column}`: `values` here, or the rows of a CSV `file` with a header."""

    values: tuple[str, ...] = ()
    file: str = ""
    order: Literal["cycle", "random"] = "cycle"


class RequestTemplate(Contract, frozen=True, kw_only=True):
    """One kind of request; `weight` is its share relative to the others.

    A `kind: order` goes into the order history and is sent again under the same `${key}`. `expect` empty
    means 200 to 299. `repeat` says whether sending it twice is the same as once; by method GET, PUT and DELETE
    are, and so is every order.
    """

    name: Name
    weight: Positive = 1.0
    traffic: TrafficClass = "public"
    target: Name
    service: str = ""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    expect: tuple[int, ...] = ()
    kind: Literal["plain", "order"] = "plain"
    repeat: Literal["by-method", "safe", "unsafe"] = "by-method"


class Segment(Contract, frozen=True, kw_only=True):
    """One named part of the profile, `for_s` seconds long; rates in requests per second over all workers.

    constant: `rate` · ramp: `rate` to `to` · step: `steps` levels from `rate` to `to` · spike: `rate`, but
    `to` from `at_s` for `width_s` · trace: lines `second,rate` of `file`, times `scale`.
    """

    name: Name
    kind: Literal["constant", "ramp", "step", "spike", "trace"]
    for_s: Positive = 60.0
    rate: Rate = 0.0
    to: Rate = 0.0
    steps: Count = 1
    at_s: Annotated[
        float, Meta(ge=0, le=1e9, extra_json_schema={"description": "seconds, 0 or more"})
    ] = 0.0
    width_s: Positive = 1.0
    file: str = ""
    scale: Positive = 1.0


class DrivePlan(Contract, frozen=True, kw_only=True):
    """A driven run; equal plans send equal requests at equal instants.

    `connections` bounds those of each worker to each target; `new_connections` is the share of requests that
    open one of their own. `rows` says of which requests a line is kept: those worth one (failed, slow, late,
    orders, with beacon or canary), or all. `canaries` is how many are planted in turn by `${canary.DETECTOR}`.
    """

    version: Literal["isthmus/v1"]
    run: Name = "load"
    seed: Annotated[
        int, Meta(ge=0, le=2**53, extra_json_schema={"description": "a whole number from 0"})
    ] = 1
    workers: Annotated[
        int, Meta(ge=1, le=64, extra_json_schema={"description": "processes, 1 to 64"})
    ] = 1
    targets: Annotated[
        dict[str, str],
        Meta(min_length=1, extra_json_schema={"description": "a map of names to HOST:PORT"}),
    ]
    timeout_s: Positive = 5.0
    connections: Count = 256
    new_connections: Share = 0.0
    arrivals: Literal["poisson", "uniform"] = "poisson"
    rows: Literal["notable", "all"] = "notable"
    canaries: Count = 200
    feeds: dict[str, Feed] = field(default_factory=dict)
    requests: Annotated[
        tuple[RequestTemplate, ...],
        Meta(min_length=1, extra_json_schema={"description": "a list of requests"}),
    ]
    profile: Annotated[
        tuple[Segment, ...],
        Meta(min_length=1, extra_json_schema={"description": "a list of profile segments"}),
    ]


class Phase(Contract, frozen=True, kw_only=True):
    """A part of the run with one name: seconds from its start, half-open; a step has one phase per level."""

    name: str
    start_s: float
    end_s: float
    rate: float
    to: float


class LoadCell(Contract, frozen=True, array_like=True):
    """One second of one kind of request as one worker saw it, by intended time.

    `histogram` is a base64 HdrHistogram of microseconds (1 to 10 minutes, 3 digits) from the intended time:
    of every request answered as expected, and of those that got no answer at all until they were given up.
    `late` were taken up more than 50 ms after their instant, which is the generator's fault; `waited` left
    that late, most for want of a free connection, which is the target's or the plan's.
    """

    second: int
    kind: str
    sent: int
    ok: int
    failed: int
    shed: int
    unknown: int
    late: int
    histogram: str
    waited: int = 0


class DriveRow(Contract, frozen=True, array_like=True):
    """One request as a line: latency in microseconds from the intended time; `status` 0 means no answer."""

    n: int
    intended_mono_ns: int
    latency_us: int
    late_us: int
    kind: str
    status: int
    outcome: Outcome
    attempts: int
    served: str
    beacon: str
    canary: int


class Pulse(Contract, frozen=True, array_like=True):
    """One second of a worker's own life: processor time, longest wait of its loop, requests in flight."""

    second: int
    cpu_ms: float
    lag_us: int
    in_flight: int
    connections: int


class MachineSecond(Contract, frozen=True, array_like=True):
    """One second of the machine: share of processor time stolen by the host, wall minus monotonic clock."""

    second: int
    steal_share: float
    clock_offset_s: float


class WorkerSummary(Contract, frozen=True, kw_only=True):
    """What a worker says when all its requests have ended; a worker without one was killed."""

    worker: int
    planned: int
    sent: int
    completed: int
    late: int
    connects: int
    refused: int
    cpu_s: float
    wall_s: float
    ended_mono_ns: int


class DriveRun(Contract, frozen=True, kw_only=True):
    """`run.json`: what was to be run and who ended as planned; `stopped` names a signal that cut it short."""

    schema: int = 1
    run: str
    seed: int
    workers: int
    started_mono_ns: int
    started_wall_ms: int
    ended_mono_ns: int
    phases: tuple[Phase, ...]
    classes: dict[str, TrafficClass]
    services: dict[str, str]
    idempotent: tuple[str, ...]
    orders: tuple[str, ...]
    summaries: tuple[WorkerSummary, ...]
    lost_workers: tuple[int, ...]
    stopped: str
