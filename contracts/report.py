"""`report.json`: the verdict of a demo, rehearsal or load run, schema 1."""

from typing import Literal

from contracts.base import Contract
from contracts.fault import FaultRecord
from contracts.load import TrafficClass
from contracts.reasons import ReasonId

Verdict = Literal["GO", "NO-GO", "INVALID"]


class Reason(Contract, frozen=True, kw_only=True):
    """One limit that was not kept: what was measured and what was allowed."""

    id: ReasonId
    measured: float
    limit: float


class ClassFigures(Contract, frozen=True, kw_only=True):
    """Requests of one class; latency in ms from the intended send time."""

    sent: int
    ok: int
    failed: int
    shed: int
    p50_ms: float
    p99_ms: float
    p999_ms: float


class Requests(Contract, frozen=True, kw_only=True):
    """All requests; `late_sends` left more than 50 ms after their intended time."""

    sent: int
    ok: int
    failed: int
    shed: int
    late_sends: int
    by_class: dict[TrafficClass, ClassFigures]


class Leaks(Contract, frozen=True, kw_only=True):
    """Canaries planted and seen, guard blocks, and the beacons that prove the taps alive."""

    canaries_planted: int
    seen_public: int
    guard_blocks: int
    beacons_sent: int
    beacons_seen: int
    tap_bytes: int


class Orders(Contract, frozen=True, kw_only=True):
    """Order history against the ledger."""

    acked: int
    unknown: int
    lost: int
    duplicate: int
    phantom: int


class Events(Contract, frozen=True, kw_only=True):
    """Acknowledged clicks against warehouse rows; latency in ms from acknowledgement to committed row."""

    produced: int
    warehouse: int
    lost: int
    duplicate: int
    p50_ms: float
    p99_ms: float


class Failover(Contract, frozen=True, kw_only=True):
    """Node kill and link cut; `rto_ms` is the intended time of the last failed or slow request minus the fault's."""

    nodes: int
    killed: int
    rto_ms: float
    failed_idempotent: int
    site_cut_rto_ms: float
    edge_failed: int


class Evidence(Contract, frozen=True, kw_only=True):
    """The routers' evidence: decisions recorded and whether every chain is whole."""

    records: int
    chain_ok: bool


class Report(Contract, frozen=True, kw_only=True):
    """One run, one verdict; `reasons` is empty exactly when the verdict is GO."""

    schema: int = 1
    verdict: Verdict
    reasons: tuple[Reason, ...]
    seed: int
    duration_s: float
    requests: Requests
    leaks: Leaks
    orders: Orders
    events: Events
    failover: Failover
    faults: tuple[FaultRecord, ...]
    evidence: Evidence
    environment: dict[str, str]
