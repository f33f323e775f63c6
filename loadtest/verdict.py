"""Which verdict the facts of a run allow: GO, NO-GO or INVALID, and why.

Pure. GO needs every limit kept *and* every proof that the run was a real one (faults took effect, taps were
alive, the generator kept its pace). A measured violation is NO-GO even in a run that is otherwise invalid:
a leak seen by a slow generator is still a leak.
"""

from collections.abc import Iterator

import msgspec

from contracts.fault import FaultKind, FaultRecord
from contracts.reasons import INVALIDATING, TIMED, UNTIMED, ReasonId
from contracts.report import (
    Events,
    Evidence,
    Failover,
    Leaks,
    Orders,
    Reason,
    Report,
    Requests,
    Verdict,
)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a run may not exceed; every count not named here has the limit 0.

    250 ms and 1 s are the promises for a node kill and for a cut site link. A generator that sends more than
    1 % of its requests over 50 ms late, or fewer than 99 % of those planned, measured itself.
    """

    rto_node_kill_ms: float = 250.0
    rto_link_cut_ms: float = 1000.0
    late_share: float = 0.01
    sent_share_min: float = 0.99
    clock_jump_ms: float = 500.0


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything measured in one run, before it is judged.

    `decisions` is what the routers counted themselves, to be equal to the evidence on disk. `scan_misses`
    are planted canaries a public site answered. `faults_expected` is the schedule, a kind as often as planned. `orders_failed` are orders that failed for good.
    `starved_s` is in how many seconds a router or the generator waited for a processor over half of the time.
    `clock_jump_ms` is how far wall and monotonic clock drifted apart during the run. `drained` says whether
    the pipeline emptied before its deadline; `disabled` names mechanisms switched off on purpose.
    """

    seed: int
    duration_s: float
    requests: Requests
    leaks: Leaks
    orders: Orders
    orders_mismatch: int
    orders_failed: int
    events: Events
    failover: Failover
    faults_expected: tuple[FaultKind, ...]
    faults: tuple[FaultRecord, ...]
    evidence: Evidence
    decisions: int
    scan_misses: int
    planned: int
    tap_errors: int
    starved_s: int
    clock_jump_ms: float
    drained: bool
    disabled: tuple[str, ...]
    environment: dict[str, str]


def judge(facts: RunFacts, limits: Limits) -> Report:
    """The report of a run: its facts, its verdict, and one reason for each limit not kept."""
    reasons = tuple(_broken_limits(facts, limits))
    return Report(
        verdict=verdict_of(reasons),
        reasons=reasons,
        seed=facts.seed,
        duration_s=facts.duration_s,
        requests=facts.requests,
        leaks=facts.leaks,
        orders=facts.orders,
        events=facts.events,
        failover=facts.failover,
        faults=facts.faults,
        evidence=facts.evidence,
        environment=facts.environment,
    )


def verdict_of(reasons: tuple[Reason, ...]) -> Verdict:
    """NO-GO for any measured violation, else INVALID for any missing proof, else GO.

    A broken time limit is no measurement when the machine let the routers or the generator wait.
    """
    found = {reason.id for reason in reasons}
    if found - INVALIDATING - (TIMED if found & UNTIMED else frozenset()):
        return "NO-GO"
    return "INVALID" if reasons else "GO"


def _broken_limits(facts: RunFacts, limits: Limits) -> Iterator[Reason]:
    broken = [found for found in _ceilings(facts, limits) if found[1] > found[2]]
    for reason, measured, limit in broken:
        yield Reason(id=reason, measured=measured, limit=limit)
    if facts.starved_s and any(reason in TIMED for reason, _, _ in broken):
        yield Reason(id="machine_starved", measured=facts.starved_s, limit=0)
    if not facts.evidence.chain_ok:
        yield Reason(id="evidence_chain", measured=0, limit=1)
    if facts.evidence.records != facts.decisions:
        yield Reason(id="evidence_records", measured=facts.evidence.records, limit=facts.decisions)
    if facts.leaks.beacons_sent != facts.leaks.beacons_seen or facts.leaks.beacons_sent == 0:
        yield Reason(
            id="tap_beacons", measured=facts.leaks.beacons_seen, limit=facts.leaks.beacons_sent
        )
    if facts.requests.sent < facts.planned * limits.sent_share_min or facts.planned == 0:
        yield Reason(id="generator_short", measured=facts.requests.sent, limit=facts.planned)


def _ceilings(facts: RunFacts, limits: Limits) -> Iterator[tuple[ReasonId, float, float]]:
    leaks, orders, events, failover = facts.leaks, facts.orders, facts.events, facts.failover
    yield "leak_public", leaks.seen_public, 0
    yield "guard_block", leaks.guard_blocks, 0
    yield "scan_miss", facts.scan_misses, 0
    yield "orders_lost", orders.lost, 0
    yield "orders_duplicate", orders.duplicate, 0
    yield "orders_phantom", orders.phantom, 0
    yield "orders_mismatch", facts.orders_mismatch, 0
    yield "orders_failed", facts.orders_failed, 0
    yield "events_lost", events.lost, 0
    yield "events_duplicate", events.duplicate, 0
    yield "failed_idempotent", failover.failed_idempotent, 0
    yield "rto_node_kill", failover.rto_ms, limits.rto_node_kill_ms
    yield "rto_link_cut", failover.site_cut_rto_ms, limits.rto_link_cut_ms
    yield "edge_failed", failover.edge_failed, 0
    yield "mechanism_disabled", len(facts.disabled), 0
    yield "fault_not_proven", _not_proven(facts), 0
    yield "nothing_measured", _without_work(facts), 0
    yield "fault_not_healed", sum(not fault.healed_mono_ns for fault in facts.faults), 0
    yield "tap_errors", facts.tap_errors, 0
    yield "generator_late", facts.requests.late_sends, facts.requests.sent * limits.late_share
    yield "clock_jump", facts.clock_jump_ms, limits.clock_jump_ms
    yield "drain_timeout", float(not facts.drained), 0


def _not_proven(facts: RunFacts) -> int:
    """Faults of the schedule that are missing or unproven, and unproven ones beyond it."""
    proven = [fault.kind for fault in facts.faults if fault.proven]
    missing = sum(
        max(facts.faults_expected.count(kind) - proven.count(kind), 0)
        for kind in set(facts.faults_expected)
    )
    return max(sum(not fault.proven for fault in facts.faults), missing)


def _without_work(facts: RunFacts) -> int:
    """How many kinds of work the verdict speaks of did not happen at all."""
    work = (
        facts.requests.ok,
        facts.leaks.canaries_planted,
        facts.orders.acked,
        facts.events.produced,
        facts.decisions,
    )
    return sum(count == 0 for count in work)
