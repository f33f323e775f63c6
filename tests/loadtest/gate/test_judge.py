"""The gate: GO only when every limit is kept and every proof is there; each reason is reported as itself."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.drive import MachineSecond, Pulse
from contracts.gate import (
    GATE_INVALIDATING,
    GATE_TIMED,
    GATE_UNTIMED,
    GateReason,
    GateReasonId,
)
from contracts.tap import TapHit
from loadtest.gate.judge import judge, verdict_of
from tests.loadtest.gate.runs import (
    CHAOS,
    CHECK,
    FAULT,
    GENERATOR,
    GOOD,
    PROOFS,
    ROWS,
    SLO,
    START_NS,
    STEADY_S,
    TAP,
    TOPIC,
    base_us,
    changed,
    row,
    slo,
    steadily,
    total,
)


def proofs(**changes):
    return changed("proofs", **changes)


def generator(**changes):
    return changed("generator", **changes)


def orders(**changes):
    return proofs(orders=msgspec.structs.replace(CHECK, **changes))


def fault(**changes):
    return proofs(faults=(msgspec.structs.replace(FAULT, **changes),))


def bridge(**changes):
    topic = msgspec.structs.replace(TOPIC, **changes)
    return proofs(bridge=msgspec.structs.replace(PROOFS.bridge, ok=False, topics=(topic,)))


def rows(*more):
    return changed(rows=(*ROWS, *more))


def seconds_of(base):
    return tuple(
        total(second, "ads", 300, base_us=base if 28 <= second < 34 else 20_000)
        for second in STEADY_S
    )


def slowly_during_the_fault():
    kept = [cell for cell in GOOD.cells if cell.kind != "ads" or cell.second not in STEADY_S]
    return changed(cells=(*kept, *seconds_of(35_000)))


def never_good():
    kept = [cell for cell in GOOD.cells if cell.second >= 20]
    bad = [total(n, "ads", 100, base_us=base_us(9)) for n in range(20)]
    return changed(
        cells=(*bad, *kept),
        phases=(*GOOD.phases[:10], msgspec.structs.replace(GOOD.phases[10], to=301)),
    )


NO_FORECAST = {"forecast": {}, "capacity": {}}
SPOILED = {
    "availability": (steadily(failed=4), slo(**NO_FORECAST)),
    "p50": (steadily(base_us=51_000), slo(**NO_FORECAST)),
    "p99": (GOOD, slo(classes={**SLO.classes, "public": msgspec.structs.replace(SLO.classes["public"], p99_ms=19)}, **NO_FORECAST)),
    "p999": (GOOD, slo(classes={**SLO.classes, "public": msgspec.structs.replace(SLO.classes["public"], p999_ms=39)}, **NO_FORECAST)),
    "disturbed_ratio": (slowly_during_the_fault(), SLO),
    "rto": (rows(row(28.26, latency_us=250_001)), SLO),
    "failback": (rows(row(34.2, outcome="shed", status=503)), SLO),
    "budget": (steadily(failed=2), slo(budget=msgspec.structs.replace(SLO.budget, window_requests=10_000))),
    "headroom": (GOOD, slo(forecast={"ads": msgspec.structs.replace(SLO.forecast["ads"], peak_rps=700)})),
    "failed_idempotent": (rows(*(row(22, outcome="failed", status=500) for _ in range(2))), SLO),
    "leak_public": (proofs(taps=(msgspec.structs.replace(TAP, hits=(TapHit(canary=1, view="raw", listener="l"),)),)), SLO),
    "orders_lost": (orders(lost=1), SLO),
    "orders_duplicate": (orders(duplicate=1), SLO),
    "orders_phantom": (orders(phantom=1), SLO),
    "orders_mismatch": (orders(mismatch=1), SLO),
    "orders_idempotency": (orders(idempotency=1), SLO),
    "orders_unexpected": (orders(unexpected=1), SLO),
    "orders_misplaced": (orders(misplaced=1), SLO),
    "orders_failed": (rows(row(22, "order", outcome="shed", status=503)), SLO),
    "events_lost": (bridge(altered=1), SLO),
    "events_duplicate": (bridge(warehouse_duplicate=1), SLO),
    "evidence_chain": (proofs(evidence=msgspec.structs.replace(PROOFS.evidence, chain_ok=False)), SLO),
    "fault_not_healed": (fault(healed_mono_ns=0), SLO),
    "fault_not_proven": (fault(proven=False), SLO),
    "chaos_deviated": (proofs(chaos=msgspec.structs.replace(CHAOS, verdict="not_restored")), SLO),
    "chaos_invalid": (proofs(chaos=msgspec.structs.replace(CHAOS, verdict="probe_error")), SLO),
    "nothing_measured": (changed(cells=(), rows=(), proofs=msgspec.structs.replace(PROOFS, taps=())), slo(require=())),
    "target_unreachable": (
        changed(
            cells=tuple(total(n, kind, 5, base_us=1, failed=5) for n in STEADY_S for kind in ("ads", "order")),
            rows=tuple(row(n, kind, status=0, outcome="failed") for n in STEADY_S for kind in ("ads", "order") for _ in range(5)),
            proofs=msgspec.structs.replace(PROOFS, taps=(), faults=()),
        ),
        slo(require=()),
    ),
    "generator_stopped": (generator(missing="workers 1 did not end"), SLO),
    "generator_short": (generator(planned=17_600), SLO),
    "generator_late": (steadily(late=4), SLO),
    "generator_cpu": (generator(pulses=(tuple(Pulse(n, 810, 9, 3, 8) for n in STEADY_S),)), SLO),
    "cpu_stolen": (generator(machine=tuple(MachineSecond(n, 0.06, 5.0) for n in STEADY_S)), SLO),
    "clock_jump": (generator(machine=(*GENERATOR.machine, MachineSecond(39, 0, 5.6))), SLO),
    "proof_missing": (proofs(bridge=None), SLO),
    "proof_unreadable": (proofs(evidence=None, unreadable={"evidence": "torn"}), SLO),
    "tap_beacons": (proofs(beacons_seen=frozenset({"b-one"})), SLO),
    "tap_errors": (proofs(taps=(msgspec.structs.replace(TAP, errors=1),)), SLO),
    "capacity_unmeasured": (never_good(), slo(forecast={})),
}  # fmt: skip


def test_a_run_that_keeps_every_limit_is_go():
    """No broken limit: GO, with no reason, and every part of the report filled."""
    report = judge(GOOD, SLO, {"cpu": "2"})
    assert (report.verdict, report.reasons) == ("GO", ())
    assert [it.phase for it in report.phases if it.traffic == "public"] == [
        "before",
        "during",
        "after",
    ]
    assert report.faults[0].rto_ms == 100
    assert report.capacity.services["ads"].confidence == "high"
    assert report.headroom[0].headroom_low > 0.2
    assert report.by_class["public"].sent == 6_000
    assert len(report.seconds) == 40
    assert set(report.proofs) == {"faults", "chaos run", "evidence", "bridge", "taps", "orders"}


@pytest.mark.parametrize("reason", sorted(SPOILED))
def test_each_reason_is_reported_as_itself(reason):
    """Spoiling one thing gives exactly its own reason and never GO."""
    report = judge(*SPOILED[reason], {})
    assert [it.id for it in report.reasons] == [reason]
    assert report.verdict == ("INVALID" if reason in GATE_INVALIDATING else "NO-GO")


def test_every_reason_of_the_closed_list_can_be_provoked():
    """The table above covers the contract's list, so no reason is dead."""
    assert set(SPOILED) == set(get_args(GateReasonId))


@given(st.lists(st.sampled_from(sorted(SPOILED)), min_size=1, unique=True))
def test_a_violation_outranks_a_missing_proof(ids):
    """NO-GO if any reason is a measured violation; times are none beside a generator that was not itself."""
    reasons = [GateReason(id=name, measured=1, limit=0) for name in ids]
    forgiven = GATE_INVALIDATING | GATE_TIMED if set(ids) & GATE_UNTIMED else GATE_INVALIDATING
    assert verdict_of(reasons) == ("INVALID" if set(ids) <= forgiven else "NO-GO")


NEVER_GO = {
    "an unreachable class": changed(cells=tuple(it for it in GOOD.cells if it.kind == "ads")),
    "no request in the judged phases": changed(cells=tuple(it for it in GOOD.cells if it.second < 20)),
    "a tap without a beacon": changed(rows=()),
    "a fault of another clock": fault(injected_mono_ns=START_NS - 1, healed_mono_ns=START_NS),
    "a fault that did not happen": proofs(faults=()),
    "a clock that went back": generator(machine=(*GENERATOR.machine, MachineSecond(39, 0, -600.0))),
    "a worker that stood still": generator(sent=8_700),
    "too few requests to compare": changed(
        cells=tuple(it for it in GOOD.cells if it.second < 28 or it.second >= 34 or it.kind == "order")
    ),
    "a bridge that says no without a number": proofs(bridge=msgspec.structs.replace(PROOFS.bridge, ok=False)),
}  # fmt: skip


@pytest.mark.parametrize("name", NEVER_GO)
def test_what_proves_nothing_is_never_go(name):
    """Runs in which a part of what was to be shown did not happen."""
    assert judge(NEVER_GO[name], SLO, {}).verdict != "GO"


def test_no_proof_at_all_names_each_that_was_required():
    """A run without its journal, chain, bridge, taps and ledger is INVALID five times over."""
    bare = changed(proofs=type(PROOFS)())
    report = judge(bare, slo(classes={"sensitive": SLO.classes["sensitive"]}, **NO_FORECAST), {})
    assert {it.scope for it in report.reasons if it.id == "proof_missing"} == set(SLO.require)
    assert report.verdict == "INVALID"


def test_a_broken_limit_outside_the_judged_phases_is_no_reason():
    """A sweep that finds the capacity breaks the limits on purpose; the steady part keeps them."""
    assert judge(GOOD, slo(phases=()), {}).verdict == "NO-GO"
    assert judge(GOOD, SLO, {}).verdict == "GO"


def test_an_objective_of_one_allows_nothing():
    """Availability 1.0: a single bad request is above every budget."""
    classes = {
        **SLO.classes,
        "public": msgspec.structs.replace(SLO.classes["public"], availability=1.0),
    }
    report = judge(steadily(failed=1), slo(classes=classes, **NO_FORECAST), {})
    assert {it.id for it in report.reasons} == {"availability", "budget"}
    assert judge(GOOD, slo(classes=classes, **NO_FORECAST), {}).verdict == "GO"
