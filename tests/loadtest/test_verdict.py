"""The verdict: GO only when every limit is kept and every proof is there."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.fault import FaultRecord
from contracts.reasons import INVALIDATING, TIMED, UNTIMED, ReasonId
from contracts.report import (
    ClassFigures,
    Events,
    Evidence,
    Failover,
    Leaks,
    Orders,
    Reason,
    Requests,
)
from loadtest.verdict import Limits, RunFacts, judge, verdict_of

LIMITS = Limits()
FIGURES = ClassFigures(sent=100, ok=100, failed=0, shed=0, p50_ms=1, p99_ms=2, p999_ms=3)
FAULT = FaultRecord(
    id="f1", kind="link_cut", targets=("link",), injected_mono_ns=1, healed_mono_ns=2, proven=True, proof="probe hung"
)  # fmt: skip
GOOD = RunFacts(
    seed=1,
    duration_s=15,
    requests=Requests(sent=100, ok=100, failed=0, shed=0, late_sends=0, by_class={"public": FIGURES}),
    leaks=Leaks(
        canaries_planted=10, seen_public=0, guard_blocks=0, beacons_sent=90, beacons_seen=90, tap_bytes=1000
    ),
    orders=Orders(acked=7, unknown=0, lost=0, duplicate=0, phantom=0),
    orders_mismatch=0,
    orders_failed=0,
    events=Events(produced=20, warehouse=20, lost=0, duplicate=0, p50_ms=5, p99_ms=50),
    failover=Failover(
        nodes=10, killed=3, rto_ms=40, failed_idempotent=0, site_cut_rto_ms=300, edge_failed=0
    ),
    faults_expected=("link_cut",),
    faults=(FAULT,),
    evidence=Evidence(records=100, chain_ok=True),
    decisions=100,
    scan_misses=0,
    planned=100,
    tap_errors=0,
    starved_s=0,
    clock_jump_ms=0.0,
    drained=True,
    disabled=(),
    environment={},
)  # fmt: skip


def spoil(part: str, **changes: object) -> RunFacts:
    if not part:
        return msgspec.structs.replace(GOOD, **changes)
    return msgspec.structs.replace(
        GOOD, **{part: msgspec.structs.replace(getattr(GOOD, part), **changes)}
    )


SPOILED = {
    "leak_public": spoil("leaks", seen_public=1),
    "guard_block": spoil("leaks", guard_blocks=1),
    "scan_miss": spoil("", scan_misses=1),
    "orders_lost": spoil("orders", lost=1),
    "orders_duplicate": spoil("orders", duplicate=1),
    "orders_phantom": spoil("orders", phantom=1),
    "orders_mismatch": spoil("", orders_mismatch=1),
    "orders_failed": spoil("", orders_failed=1),
    "events_lost": spoil("events", lost=1),
    "events_duplicate": spoil("events", duplicate=1),
    "failed_idempotent": spoil("failover", failed_idempotent=1),
    "rto_node_kill": spoil("failover", rto_ms=250.1),
    "rto_link_cut": spoil("failover", site_cut_rto_ms=1000.1),
    "edge_failed": spoil("failover", edge_failed=1),
    "evidence_chain": spoil("evidence", chain_ok=False),
    "evidence_records": spoil("evidence", records=99),
    "mechanism_disabled": spoil("", disabled=("scan",)),
    "fault_not_proven": spoil("", faults=(msgspec.structs.replace(FAULT, proven=False),)),
    "fault_not_healed": spoil("", faults=(msgspec.structs.replace(FAULT, healed_mono_ns=0),)),
    "nothing_measured": spoil("orders", acked=0),
    "tap_beacons": spoil("leaks", beacons_seen=89),
    "tap_errors": spoil("", tap_errors=1),
    "generator_late": spoil("requests", late_sends=2),
    "generator_short": spoil("", planned=102),
    "clock_jump": spoil("", clock_jump_ms=501.0),
    "drain_timeout": spoil("", drained=False),
}


def test_a_run_that_keeps_every_limit_is_go() -> None:
    """No broken limit: GO, with no reason."""
    report = judge(GOOD, LIMITS)
    assert (report.verdict, report.reasons) == ("GO", ())


@pytest.mark.parametrize("reason", sorted(SPOILED))
def test_each_broken_limit_is_reported_as_itself(reason: str) -> None:
    """Spoiling one fact gives exactly its own reason and never GO."""
    report = judge(SPOILED[reason], LIMITS)
    assert [broken.id for broken in report.reasons] == [reason]
    assert report.verdict == ("INVALID" if reason in INVALIDATING else "NO-GO")


def test_every_reason_of_the_closed_list_can_be_provoked() -> None:
    """The table above covers the contract's list, so no reason is dead."""
    assert {*SPOILED, "machine_starved"} == set(ReasonId.__args__)


@pytest.mark.parametrize("timed", sorted(TIMED))
def test_a_time_limit_broken_on_a_starved_machine_is_unmeasured(timed: str) -> None:
    """INVALID, and it says why; the same second without a broken limit is no reason at all."""
    starved = msgspec.structs.replace(SPOILED[timed], starved_s=2)
    report = judge(starved, LIMITS)
    assert [(it.id, it.measured) for it in report.reasons if it.id not in TIMED] == [
        ("machine_starved", 2)
    ]
    assert report.verdict == "INVALID"
    assert judge(spoil("", starved_s=2), LIMITS).verdict == "GO"


@pytest.mark.parametrize("lost", ["leak_public", "orders_failed", "events_lost"])
def test_what_was_lost_or_leaked_on_a_starved_machine_is_still_no_go(lost: str) -> None:
    """Only milliseconds depend on the machine; promises about bytes do not."""
    starved = msgspec.structs.replace(
        SPOILED[lost], starved_s=9, failover=SPOILED["rto_node_kill"].failover
    )
    assert judge(starved, LIMITS).verdict == "NO-GO"


def test_a_run_without_a_beacon_or_a_request_is_never_go() -> None:
    """Zero of zero beacons proves no tap, zero of zero requests no service."""
    silent = spoil("leaks", beacons_sent=0, beacons_seen=0)
    idle = msgspec.structs.replace(GOOD, planned=0)
    assert judge(silent, LIMITS).verdict == "INVALID"
    assert judge(idle, LIMITS).verdict == "INVALID"


@given(st.lists(st.sampled_from(sorted(SPOILED)), min_size=1, unique=True))
def test_a_violation_outranks_a_missing_proof(ids: list[str]) -> None:
    """NO-GO if any reason is a measured violation, INVALID if all are missing proofs or times of a busy machine."""
    reasons = tuple(Reason(id=name, measured=1, limit=0) for name in ids)  # type: ignore[arg-type]
    forgiven = INVALIDATING | TIMED if set(ids) & UNTIMED else INVALIDATING
    expected = "INVALID" if set(ids) <= forgiven else "NO-GO"
    assert verdict_of(reasons) == expected


@pytest.mark.parametrize(
    "facts",
    [
        spoil("", faults=()), spoil("", faults_expected=("link_cut", "bridge_kill")),
        spoil("", faults_expected=("link_cut", "link_cut")),
    ],
)  # fmt: skip
def test_a_fault_of_the_schedule_that_is_missing_is_unproven(facts: RunFacts) -> None:
    """A run that broke less than it was to break proves less: INVALID."""
    report = judge(facts, LIMITS)
    assert [(it.id, it.measured) for it in report.reasons] == [("fault_not_proven", 1)]
    assert report.verdict == "INVALID"


@pytest.mark.parametrize(
    "facts",
    [
        spoil("requests", ok=0), spoil("leaks", canaries_planted=0), spoil("orders", acked=0),
        spoil("events", produced=0),
        msgspec.structs.replace(spoil("", decisions=0), evidence=Evidence(records=0, chain_ok=True)),
    ],
)  # fmt: skip
def test_a_run_without_one_kind_of_work_is_never_go(facts: RunFacts) -> None:
    """No request served, no canary, order, click or decision: nothing was shown about it."""
    report = judge(facts, LIMITS)
    assert [it.id for it in report.reasons] == ["nothing_measured"]
    assert report.verdict == "INVALID"
