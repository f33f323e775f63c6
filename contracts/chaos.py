"""Chaos runs: what is on disk before one starts, its verdict, and the history with its score."""

from typing import Literal

from contracts.base import Contract
from contracts.fault import FaultRecord

ChaosReasonId = Literal[
    "refused_lock",  # another command has the cloud
    "refused_window",  # outside every allowed window
    "refused_freeze",  # inside a sale freeze
    "refused_budget",  # the error budget is spent, or cannot be read
    "refused_place",  # no cloud of the kind the experiment is for
    "refused_faults",  # a fault of an earlier run is in force and cannot be healed
    "error",  # a file that cannot be used, or Chaos Toolkit fell over
    "interrupted",  # a signal, or the runner died
    "aborted",  # a safeguard tripped, or Chaos Toolkit gave up
    "probe_error",  # a probe raised, or the probes came too far apart
    "baseline_not_met",  # the steady state did not hold before anything was injected
    "action_failed",  # a fault was not injected, or not seen to take effect
    "rollback_failed",
    "not_restored",  # after the rollback a lease is open or the steady state does not hold
    "deviated",  # the steady state was broken for longer than the limit, or at the end of the method
]
"""In order of precedence: the first that holds is the verdict, the others stand beside it."""

ChaosVerdict = Literal["passed", "refused"] | ChaosReasonId


class ChaosReason(Contract, frozen=True, kw_only=True):
    """Why a run did not pass; `measured` and `limit` are seconds where time is the matter, else 0."""

    id: ChaosReasonId
    text: str
    measured: float = 0.0
    limit: float = 0.0


class FaultRecovery(Contract, frozen=True, kw_only=True):
    """How long after the injection of a fault the steady state was last seen broken; 0 if never."""

    fault: str
    rto_s: float


class ChaosStart(Contract, frozen=True, kw_only=True):
    """`start.json` of a run's folder, on disk before anything is injected: what tells of a killed runner."""

    schema: int = 1
    run: str
    experiment: str
    title: str
    digest: str
    seed: int
    tier: str
    cloud: str
    runner_pid: int
    runner_start_ticks: int
    started_wall_s: float
    started_mono_ns: int


class ChaosResult(Contract, frozen=True, kw_only=True):
    """`result.json` of a run's folder and `chaos run --json`; `reasons` is empty exactly when it passed.

    `digest` is the SHA-256 of the experiment's file. `probe_gap_s` is the longest time between two looks at the
    steady state while the method ran; every `rto_s` is known no better than that.
    """

    schema: int = 1
    run: str
    experiment: str
    title: str
    digest: str
    seed: int
    tier: str
    verdict: ChaosVerdict
    reasons: tuple[ChaosReason, ...]
    started_wall_s: float
    duration_s: float
    faults: tuple[FaultRecord, ...] = ()
    recoveries: tuple[FaultRecovery, ...] = ()
    rto_limit_s: float = 0.0
    looks: int = 0
    probe_gap_s: float = 0.0
    journal: str = ""


class ExperimentScore(Contract, frozen=True, kw_only=True):
    """One experiment's part of the score; `failed_check` names what pulls it down, empty at 100."""

    experiment: str
    score: float
    weight: float
    last_run: str
    last_verdict: str
    age_h: float
    failed_check: str


class ChaosHistory(Contract, frozen=True, kw_only=True):
    """`chaos history --json`: newest runs first; `score` is the weighted mean, 0 to 100."""

    schema: int = 1
    score: float
    experiments: tuple[ExperimentScore, ...]
    runs: tuple[ChaosResult, ...]
