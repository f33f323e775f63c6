"""Load: the plan handed to the open-loop generator and the rows it writes."""

from typing import Literal

from contracts.base import Contract

Operation = Literal["ads", "click", "order", "profile"]
TrafficClass = Literal["public", "sensitive", "raised"]
Outcome = Literal["ok", "failed", "shed", "unknown"]
Door = Literal["core", "edge"]


class LoadPlan(Contract, frozen=True, kw_only=True):
    """A run of the open-loop generator; equal plans plan equal requests.

    `rate` is arrivals per second over both doors together; `mix` shares sum to 1; `canary_share` is the
    share of all requests that carry a canary; `edge_share` the share of public operations sent to the edge.
    """

    schema: int = 1
    run: str
    seed: int
    rate: float
    duration_s: float
    core: str
    edge: str
    mix: dict[Operation, float]
    edge_share: float = 0.5
    canary_share: float = 0.05
    timeout_s: float = 5.0
    connections_max: int = 256


class RequestRow(Contract, frozen=True, array_like=True):
    """One request as a line of `requests.ndjson`: a JSON array in this order.

    `intended_mono_ns` is when it should have left; latency counts from there. `status` 0 means no answer.
    `expected` is the class the plan knows; `served_site` what the answer named (empty if none);
    `beacon` is the beacon id when one was carried; `attempts` counts sends under one idempotency key.
    `late_us` is how far behind the intended time it was really sent.
    """

    n: int
    intended_mono_ns: int
    latency_us: int
    late_us: int
    operation: Operation
    expected: TrafficClass
    door: Door
    status: int
    outcome: Outcome
    idempotent: bool
    attempts: int
    served_site: str
    beacon: str
    canary: int
    event_id: str


class LoadSummary(Contract, frozen=True, kw_only=True):
    """`summary.json` beside the rows: what the generator knows of itself, for validity."""

    schema: int = 1
    run: str
    planned: int
    sent: int
    completed: int
    late_sends: int
    cpu_s: float
    wall_s: float
    started_mono_ns: int
    ended_mono_ns: int
