"""`isthmus load flows`: what the shoppers of a flow run are told, and what came of them."""

from typing import Literal

from contracts.base import Contract
from contracts.report import Verdict

FlowReasonId = Literal[
    "nothing_measured",  # no journey was finished
    "worker_lost",
    "generator_cpu",
    "missed_arrivals",  # journeys that should have begun while their shopper still waited for the last one
    "failed_share",
]

FLOW_INVALIDATING: frozenset[FlowReasonId] = frozenset(
    {"nothing_measured", "worker_lost", "generator_cpu", "missed_arrivals"}
)


class FlowStage(Contract, frozen=True, kw_only=True):
    """For `for_s` seconds the number of shoppers goes straight from the stage before (0 at first) to `users`."""

    for_s: float
    users: int


class FlowSettings(Contract, frozen=True, kw_only=True):
    """One flow run: each shopper begins a journey every `pacing_s` seconds; `out` is a directory."""

    schema: int = 1
    run: str
    seed: int
    out: str
    stages: tuple[FlowStage, ...]
    pacing_s: float = 5.0
    think_s: float = 0.2
    workers: int = 1
    cpu_share_max: float = 0.8
    missed_share_max: float = 0.01
    failed_share_max: float = 0.001


class FlowTally(Contract, frozen=True, kw_only=True):
    """What one worker counted so far; `cpu_share` is the 95th percentile of its seconds."""

    started: int
    finished: int
    missed: int
    cpu_share: float


class FlowReason(Contract, frozen=True, kw_only=True):
    """One limit that was not kept."""

    id: FlowReasonId
    measured: float
    limit: float


class FlowStep(Contract, frozen=True, kw_only=True):
    """One step of the journey; latency in ms from the send, as a closed loop sees it."""

    requests: int
    failed: int
    p50_ms: float
    p99_ms: float


class FlowReport(Contract, frozen=True, kw_only=True):
    """`flows.json`: the verdict on a flow run. Latencies are a closed loop's: a stall hides arrivals, not here."""

    schema: int = 1
    run: str
    verdict: Verdict
    reasons: tuple[FlowReason, ...]
    workers: int
    lost_workers: int
    journeys: int
    missed: int
    cpu_share: float
    steps: dict[str, FlowStep]
