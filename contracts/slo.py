"""`slo.yaml`: what a run must keep to be GO, owned by whoever signs for the sale."""

from typing import Annotated, Literal

from msgspec import Meta, field

from contracts.base import Contract
from contracts.drive import Count, Name, Positive, Rate, Share
from contracts.load import TrafficClass

Proof = Literal["faults", "evidence", "bridge", "taps", "orders"]

ClassName = Annotated[
    str,
    Meta(
        pattern="^(public|sensitive|raised)$",
        extra_json_schema={"description": "public, sensitive or raised"},
    ),
]
Milliseconds = Annotated[
    float, Meta(ge=0, le=1e9, extra_json_schema={"description": "milliseconds, 0 for no limit"})
]


class ClassObjective(Contract, frozen=True, kw_only=True):
    """What requests of one class may cost; latency from the intended time, 0 for no limit.

    `availability` is the objective whose error budget the run draws on: failed and shed requests are spent.
    `disturbed_ratio` bounds p99 while a fault is in force over p99 before it, 0 for no limit.
    """

    availability: Share = 0.999
    p50_ms: Milliseconds = 0.0
    p99_ms: Milliseconds = 0.0
    p999_ms: Milliseconds = 0.0
    disturbed_ratio: Rate = 0.0


class FaultObjective(Contract, frozen=True, kw_only=True):
    """How long after a fault of this kind requests of `traffic` may fail or be slow, and how long after its heal.

    `service` leaves out requests to any other one: a killed ad node is no excuse and no burden for clicks.
    """

    rto_ms: Milliseconds = 250.0
    failback_ms: Milliseconds = 0.0
    traffic: TrafficClass = "public"
    service: str = ""


class BudgetObjective(Contract, frozen=True, kw_only=True):
    """How much of the error budget of `window_days` a run at `monthly_requests` may spend."""

    window_days: Positive = 30.0
    window_requests: Annotated[
        float, Meta(ge=0, le=1e15, extra_json_schema={"description": "requests, 0 or more"})
    ] = 0.0
    share_max: Share = 0.1


class GeneratorObjective(Contract, frozen=True, kw_only=True):
    """When the measurement itself is to be believed; defaults from anchors (steal 5 %, late 1 %, sent 99 %)."""

    sent_share_min: Share = 0.99
    late_share_max: Share = 0.01
    cpu_share_max: Share = 0.8
    steal_share_max: Share = 0.05
    clock_jump_ms: Milliseconds = 500.0
    answered_share_min: Share = 0.01


class CapacityObjective(Contract, frozen=True, kw_only=True):
    """Which kinds of request measure the capacity of a service, and over how many replicas they ran."""

    replicas: Count
    traffic: TrafficClass = "public"


class Forecast(Contract, frozen=True, kw_only=True):
    """The expected peak of a service: `replicas` will serve it, `headroom` is the share that must stay free."""

    peak_rps: Positive
    replicas: Count
    headroom: Share = 0.2


class Slo(Contract, frozen=True, kw_only=True):
    """The whole file; `require` names the proofs without which no run is GO.

    `phases` names the profile segments the limits hold for (empty: all): a sweep that finds the capacity
    breaks them on purpose. `public_sites` are those a tap must have seen; `residence` those that may hold orders.
    """

    version: Literal["isthmus/v1"]
    classes: Annotated[
        dict[ClassName, ClassObjective],
        Meta(min_length=1, extra_json_schema={"description": "a map of public, sensitive, raised"}),
    ]
    faults: dict[Name, FaultObjective] = field(default_factory=dict)
    phases: tuple[Name, ...] = ()
    require: tuple[Proof, ...] = ()
    public_sites: tuple[str, ...] = ("public",)
    residence: tuple[str, ...] = ()
    failed_idempotent_max: Annotated[
        int, Meta(ge=0, extra_json_schema={"description": "a whole number from 0"})
    ] = 0
    budget: BudgetObjective = BudgetObjective()
    generator: GeneratorObjective = GeneratorObjective()
    capacity: dict[Name, CapacityObjective] = field(default_factory=dict)
    forecast: dict[Name, Forecast] = field(default_factory=dict)
