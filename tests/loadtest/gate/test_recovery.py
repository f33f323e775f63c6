"""Recovery times from the requests: per fault, per class, and not into the next fault's time."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.slo import FaultObjective
from loadtest.gate.recovery import recoveries
from tests.loadtest.gate.runs import FAULT, PROOFS, START_NS, changed, row, slo


def at(second: float) -> int:
    return START_NS + int(second * 1e9)


def fault(begin, end, *, name="f", kind="node_kill"):
    return msgspec.structs.replace(
        FAULT, id=name, kind=kind, injected_mono_ns=at(begin), healed_mono_ns=at(end) if end else 0
    )


def run(*rows, faults):
    return changed(rows=rows, proofs=msgspec.structs.replace(PROOFS, faults=tuple(faults)))


@pytest.mark.parametrize(
    ("rows", "rto_ms", "failback_ms"),
    [
        ([], 0, 0),
        ([row(9.9, outcome="failed")], 0, 0),
        ([row(10.2, outcome="failed")], 200, 0),
        ([row(10.1, outcome="shed"), row(10.3, latency_us=250_001)], 300, 0),
        ([row(10.3, latency_us=250_000)], 0, 0),
        ([row(10.2, "order", outcome="failed")], 0, 0),
        ([row(10.2, outcome="unknown"), row(15.5, outcome="failed")], 200, 500),
    ],
)
def test_the_last_trouble_of_the_class_counts(rows, rto_ms, failback_ms):
    """Failed, shed, unknown or slow, from the intended time, until the heal; then after the heal."""
    found = recoveries(run(*rows, faults=[fault(10, 15)]), slo())[0]
    assert (found.rto_ms, found.failback_ms) == pytest.approx((rto_ms, failback_ms))
    assert (found.at_s, found.healed_s, found.rto_limit_ms) == (10, 15, 250)


def test_a_fault_ends_where_the_next_begins():
    """What the second fault broke is not the first one's, with 250 ms for what was under way."""
    rows = [row(10.1, outcome="failed"), row(11.9, outcome="failed"), row(12.4, outcome="failed")]
    first, second = recoveries(
        run(*rows, faults=[fault(12, 13, name="b"), fault(10, 0, name="a")]), slo()
    )
    assert (first.id, first.rto_ms) == ("a", pytest.approx(100))
    assert second.rto_ms == pytest.approx(400)
    assert first.healed_s == 0


def test_a_fault_that_is_never_healed_is_looked_at_to_the_end():
    """Trouble seconds later still counts."""
    found = recoveries(run(row(30, outcome="failed"), faults=[fault(10, 0)]), slo())[0]
    assert (found.rto_ms, found.failback_ms) == (20_000, 0)


def test_a_fault_without_an_objective_is_shown_and_not_limited():
    """A kind nobody named has no limit."""
    found = recoveries(
        run(row(10.5, outcome="failed"), faults=[fault(10, 15, kind="link_cut")]), slo()
    )[0]
    assert (found.rto_ms, found.rto_limit_ms) == (500, 0)


def test_an_objective_may_be_for_another_class():
    """A warehouse that closes is orders' trouble."""
    faults = {"node_kill": FaultObjective(traffic="sensitive")}
    rows = [row(10.1, outcome="failed"), row(10.7, "order", outcome="failed")]
    assert recoveries(run(*rows, faults=[fault(10, 15)]), slo(faults=faults))[
        0
    ].rto_ms == pytest.approx(700)


def test_an_objective_may_be_for_one_service():
    """Clicks that were slow are not the ad nodes' recovery time."""
    rows = [row(10.1, outcome="failed"), row(10.7, "click", outcome="failed")]
    measured = msgspec.structs.replace(
        run(*rows, faults=[fault(10, 15)]),
        classes={"ads": "public", "click": "public"}, services={"ads": "ads", "click": "clicks"},
    )  # fmt: skip
    of_ads = {"node_kill": FaultObjective(service="ads")}
    assert recoveries(measured, slo(faults=of_ads))[0].rto_ms == pytest.approx(100)
    assert recoveries(measured, slo())[0].rto_ms == pytest.approx(700)


@given(st.lists(st.tuples(st.floats(0, 39), st.booleans()), max_size=20))
def test_the_result_is_the_latest_troubled_instant(requests):
    """Held against a plain search over all rows."""
    rows = [row(second, outcome="failed" if bad else "ok") for second, bad in requests]
    found = recoveries(run(*rows, faults=[fault(10, 20)]), slo())[0]
    bad = [int(second * 1e9) for second, is_bad in requests if is_bad]
    during = [it - 10**10 for it in bad if 10**10 <= it < 2 * 10**10]
    after = [it - 2 * 10**10 for it in bad if it >= 2 * 10**10]
    assert found.rto_ms == pytest.approx(max(during, default=0) / 1e6)
    assert found.failback_ms == pytest.approx(max(after, default=0) / 1e6)
