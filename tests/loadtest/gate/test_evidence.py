"""What the proofs say: each counted once, and in words for the page."""

import msgspec
import pytest

from contracts.tap import TapHit
from loadtest.gate.evidence import evidence_reasons, proof_words
from loadtest.gate.measured import Proofs
from tests.loadtest.gate.runs import (
    CHAOS,
    GOOD,
    PROOFS,
    SLO,
    STEADY_S,
    TAP,
    TOPIC,
    changed,
    row,
    slo,
)

SECONDS = frozenset(STEADY_S)


def reasons(measured, objective=SLO):
    return {it.id: it.measured for it in evidence_reasons(measured, objective, SECONDS)}


def with_taps(*taps, seen=("b-one", "b-two")):
    return changed("proofs", taps=taps, beacons_seen=frozenset(seen))


def test_good_proofs_have_no_reason():
    """And no proof at all has none either: whether one must be there is another question."""
    assert reasons(GOOD) == {}
    assert reasons(changed(proofs=Proofs())) == {}


def test_a_canary_seen_by_two_taps_is_one_leak():
    """Values are counted, not sightings."""
    hits = [TapHit(canary=n, view="raw", listener="l") for n in (1, 1, 2)]
    taps = [
        msgspec.structs.replace(TAP, hits=tuple(hits)),
        msgspec.structs.replace(TAP, hits=(hits[0],)),
    ]
    assert reasons(with_taps(*taps)) == {"leak_public": 2}


@pytest.mark.parametrize(
    ("seen", "sites", "expected"),
    [
        (("b-one", "b-two", "b-more"), ("public",), {}),
        (("b-one",), ("public",), {"tap_beacons": 1}),
        ((), ("public",), {"tap_beacons": 0}),
        (("b-one", "b-two"), ("elsewhere",), {"tap_beacons": 0}),
    ],
)
def test_beacons_a_public_site_answered_must_have_been_seen(seen, sites, expected):
    """All of them, and at least one."""
    assert reasons(with_taps(TAP, seen=seen), slo(public_sites=sites)) == expected


@pytest.mark.parametrize("field", ["lost", "altered", "reordered", "warehouse_lost"])
def test_a_record_lost_in_any_way_is_lost(field):
    """Altered or out of order it is not what was sent."""
    topic = msgspec.structs.replace(TOPIC, **{field: 2})
    bridge = msgspec.structs.replace(PROOFS.bridge, topics=(topic,))
    assert reasons(changed("proofs", bridge=bridge)) == {"events_lost": 2}


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [("deviated", "chaos_deviated"), ("not_restored", "chaos_deviated"), ("error", "chaos_invalid"),
     ("action_failed", "chaos_invalid"), ("refused_freeze", "chaos_invalid"), ("passed", None)],
)  # fmt: skip
def test_a_chaos_run_that_did_not_pass_is_no_go_or_invalid(verdict, reason):
    """A steady state that broke is a violation; a run that did not run proves nothing."""
    chaos = msgspec.structs.replace(CHAOS, verdict=verdict)
    assert list(reasons(changed("proofs", chaos=chaos))) == ([reason] if reason else [])


def test_failures_outside_the_judged_seconds_do_not_count():
    """Nor do orders among the idempotent: they have a count of their own."""
    bad = {"outcome": "failed", "status": 500}
    rows = [row(5, **bad), row(25, **bad), row(26, **bad), row(27, **bad), row(25, "order", **bad)]
    assert reasons(changed(rows=(*GOOD.rows[:3], *rows))) == {
        "failed_idempotent": 3,
        "orders_failed": 1,
    }


def test_the_words_name_what_was_there():
    """One line each, and what could not be read says why."""
    words = proof_words(msgspec.structs.replace(PROOFS, unreadable={"taps": "torn"}))
    assert words["evidence"] == "9 records, chain whole"
    assert words["taps"] == "unreadable: torn"
    assert proof_words(Proofs()) == {}
