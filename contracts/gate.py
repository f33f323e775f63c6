"""`gate.json`: the verdict on a run by `load gate`, and `compare.json` on two."""

from typing import Literal

from contracts.base import Contract
from contracts.capacity import Capacity
from contracts.history import OrderCheck
from contracts.load import TrafficClass
from contracts.report import ClassFigures, Verdict

GateReasonId = Literal[
    "availability",  # share of requests served, below the objective
    "p50",
    "p99",
    "p999",
    "disturbed_ratio",  # p99 during a fault over p99 before it
    "rto",  # per fault: last trouble after it
    "failback",  # per fault: last trouble after its heal
    "budget",  # share of the window's error budget spent
    "headroom",  # share of the capacity left free at the forecast peak
    "failed_idempotent",
    "leak_public",
    "orders_lost",
    "orders_duplicate",
    "orders_phantom",
    "orders_mismatch",
    "orders_idempotency",
    "orders_unexpected",
    "orders_misplaced",  # a key in a ledger of a site that may not hold it
    "orders_failed",
    "events_lost",
    "events_duplicate",
    "evidence_chain",
    "fault_not_healed",
    "fault_not_proven",
    "chaos_deviated",  # the chaos run's own verdict: deviated, or not restored
    "chaos_invalid",  # the chaos run's own verdict: neither that nor passed
    "nothing_measured",
    "target_unreachable",  # next to no request was answered at all
    "generator_stopped",  # a worker died, or a signal ended the run
    "generator_short",
    "generator_late",
    "generator_cpu",
    "cpu_stolen",
    "clock_jump",
    "proof_missing",
    "proof_unreadable",
    "tap_beacons",
    "tap_errors",
    "capacity_unmeasured",
]

GATE_INVALIDATING: frozenset[GateReasonId] = frozenset(
    {
        "fault_not_proven", "chaos_invalid", "nothing_measured", "target_unreachable", "generator_stopped",
        "generator_short", "generator_late", "generator_cpu", "cpu_stolen", "clock_jump",
        "proof_missing", "proof_unreadable", "tap_beacons", "tap_errors", "capacity_unmeasured",
    }
)  # fmt: skip
"""Reasons that only make a run INVALID: it proves nothing. A measured violation beside them is still NO-GO."""

GATE_TIMED: frozenset[GateReasonId] = frozenset(
    {"p50", "p99", "p999", "disturbed_ratio", "rto", "failback", "headroom"}
)
"""Limits in time: unmeasured, not broken, beside one of `GATE_UNTIMED`."""

GATE_UNTIMED: frozenset[GateReasonId] = frozenset(
    {
        "generator_stopped", "generator_short", "generator_late", "generator_cpu", "cpu_stolen",
        "clock_jump",
    }
)  # fmt: skip
"""Reasons that leave nothing in milliseconds to be believed."""


class GateReason(Contract, frozen=True, kw_only=True):
    """One limit not kept; `scope` names the class, fault, service or proof, empty for the run."""

    id: GateReasonId
    scope: str = ""
    measured: float
    limit: float


class PhaseFigures(Contract, frozen=True, kw_only=True):
    """One class in one phase relative to the faults: before the first, while one is in force, after the last."""

    traffic: TrafficClass
    phase: Literal["before", "during", "after"]
    figures: ClassFigures


class FaultFigures(Contract, frozen=True, kw_only=True):
    """One fault: when (seconds from the first intended send), how long trouble lasted, how long after the heal."""

    id: str
    kind: str
    targets: tuple[str, ...]
    at_s: float
    healed_s: float
    proven: bool
    proof: str
    traffic: TrafficClass
    rto_ms: float
    rto_limit_ms: float
    failback_ms: float


class BudgetFigures(Contract, frozen=True, kw_only=True):
    """One class's error budget: bad requests, those the objective allows in the run, burn rate, window share."""

    traffic: TrafficClass
    bad: int
    allowed: float
    burn_rate: float
    window_share: float


class HeadroomFigures(Contract, frozen=True, kw_only=True):
    """One service against its forecast, by arithmetic: `capacity_rps` = measured per replica x forecast replicas."""

    service: str
    peak_rps: float
    capacity_rps: float
    headroom: float
    headroom_low: float


class GeneratorFigures(Contract, frozen=True, kw_only=True):
    """What the generator cost and how well it kept its plan."""

    workers: int
    planned: int
    sent: int
    late: int
    cpu_us_per_request: float
    cpu_share_max: float
    lag_ms_max: float
    steal_share: float
    clock_jump_ms: float
    waited: int = 0


class SecondFigures(Contract, frozen=True, array_like=True):
    """One second of all classes together, by intended time."""

    second: int
    sent: int
    ok: int
    failed: int
    shed: int
    p50_ms: float
    p99_ms: float


class GateReport(Contract, frozen=True, kw_only=True):
    """One run judged by one objective; `reasons` is empty exactly when the verdict is GO."""

    schema: int = 1
    verdict: Verdict
    reasons: tuple[GateReason, ...]
    run: str
    duration_s: float
    by_class: dict[TrafficClass, ClassFigures]
    phases: tuple[PhaseFigures, ...]
    faults: tuple[FaultFigures, ...]
    budget: tuple[BudgetFigures, ...]
    headroom: tuple[HeadroomFigures, ...]
    generator: GeneratorFigures
    orders: OrderCheck | None
    capacity: Capacity | None
    proofs: dict[str, str]
    seconds: tuple[SecondFigures, ...]
    environment: dict[str, str]


class Difference(Contract, frozen=True, kw_only=True):
    """One figure of one class in two runs: medians of its seconds, their ratio B/A with a 95 % interval.

    `p_value` is Mann-Whitney's two-sided, Holm-corrected over the report.
    """

    traffic: TrafficClass
    metric: Literal["p50_ms", "p99_ms", "bad_share"]
    a: float
    b: float
    ratio: float
    ratio_low: float
    ratio_high: float
    p_value: float
    change: Literal["better", "worse", "same", "unknown"]


class CompareReport(Contract, frozen=True, kw_only=True):
    """Two runs held against each other; `worse` is true when any figure got worse."""

    schema: int = 1
    a: str
    b: str
    worse: bool
    differences: tuple[Difference, ...]
