import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.load import RequestRow
from loadtest import figures
from loadtest.figures import Scope

PUBLIC = frozenset({"public"})


def row(n=0, **changes) -> RequestRow:
    fields = {
        "n": n, "intended_mono_ns": n * 10**9, "latency_us": 2000, "late_us": 100, "operation": "ads",
        "expected": "public", "door": "core", "status": 200, "outcome": "ok", "idempotent": True,
        "attempts": 1, "served_site": "public", "beacon": "", "canary": 0, "event_id": "",
    }  # fmt: skip
    return RequestRow(**{**fields, **changes})


@given(st.lists(st.integers(0, 10**6), min_size=1), st.floats(0.001, 1))
def test_a_quantile_is_a_value_that_many_do_not_exceed(values, share):
    """At least the share lies at or below the quantile, and less than it lies below the value before."""
    ordered = sorted(values)
    found = figures.quantile(ordered, share)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-6
    assert sum(value < found for value in ordered) < share * len(ordered) + 1e-6


def test_no_values_have_no_quantile():
    """Nothing measured is 0."""
    assert figures.quantile([], 0.99) == 0


def test_counts_add_up_by_class():
    """Sent is ok + failed + shed in every class; unknown is among the failed."""
    rows = [
        row(), row(outcome="shed", status=503), row(outcome="failed", status=502),
        row(outcome="unknown", status=0), row(expected="raised"), row(expected="sensitive", late_us=50_001),
    ]  # fmt: skip
    total = figures.requests_of(rows)
    assert (total.sent, total.ok, total.failed, total.shed, total.late_sends) == (6, 3, 2, 1, 1)
    assert set(total.by_class) == {"public", "raised", "sensitive"}
    public = total.by_class["public"]
    assert (public.sent, public.ok, public.failed, public.shed) == (4, 1, 2, 1)


def test_latencies_are_exact():
    """Percentiles of 1 to 1000 ms are those ranks."""
    rows = [row(latency_us=ms * 1000) for ms in range(1, 1001)]
    random.Random(3).shuffle(rows)
    public = figures.requests_of(rows).by_class["public"]
    assert (public.p50_ms, public.p99_ms, public.p999_ms) == (500, 990, 999)


@pytest.mark.parametrize(
    ("bad", "expected_ms"),
    [
        ([], 0.0),
        ([row(7, outcome="failed")], 2000.0),
        ([row(7, outcome="unknown")], 2000.0),
        ([row(8, latency_us=250_001)], 3000.0),
        ([row(8, latency_us=250_000)], 0.0),
        ([row(6, outcome="failed"), row(9, outcome="failed")], 4000.0),
        ([row(4, outcome="failed")], 0.0),
        ([row(20, outcome="failed")], 0.0),
        ([row(7, outcome="shed", status=503)], 0.0),
    ],
)
def test_recovery_time_is_the_last_trouble_within_the_window(bad, expected_ms):
    """Fault at 5 s, judged until 20 s: the last failed or slow request decides, shed ones do not."""
    rows = [*(row(n) for n in range(30)), *bad]
    found = figures.rto_ms(rows, 5 * 10**9, until_mono_ns=20 * 10**9)
    assert found == expected_ms


def test_recovery_time_is_taken_within_a_scope():
    """Trouble of another class or door does not count."""
    rows = [row(7, outcome="failed", door="edge"), row(6, outcome="failed", expected="sensitive")]
    window = {"until_mono_ns": 20 * 10**9}
    assert figures.rto_ms(rows, 5 * 10**9, scope=Scope(door="core"), **window) == 1000
    assert figures.rto_ms(rows, 5 * 10**9, scope=Scope(expected="public"), **window) == 2000
    assert figures.rto_ms(rows, 5 * 10**9, scope=Scope(operation="click"), **window) == 0


def test_seconds_cover_the_run_without_gaps():
    """Every second has an entry, by intended time, also one in which nothing was sent."""
    rows = [row(0), row(0, outcome="failed", latency_us=9000), row(3, outcome="shed")]
    seconds = figures.per_second(rows, started_mono_ns=0)
    assert [(s.second, s.sent, s.ok, s.failed, s.shed) for s in seconds] == [
        (0, 2, 1, 1, 0), (1, 0, 0, 0, 0), (2, 0, 0, 0, 0), (3, 1, 0, 0, 1),
    ]  # fmt: skip
    assert seconds[0].p99_ms == 9
    assert figures.per_second([], started_mono_ns=0) == []


def test_within_is_half_open():
    """The first instant counts, the last does not."""
    found = figures.within([row(n) for n in range(5)], 10**9, until_mono_ns=3 * 10**9)
    assert [one.n for one in found] == [1, 2]


def test_failures_are_counted_where_promised():
    """Idempotent failures, edge failures and failed orders are counted apart."""
    rows = [
        row(outcome="failed"),
        row(outcome="unknown", idempotent=False, operation="click", door="edge"),
        row(outcome="failed", operation="order", expected="sensitive"),
        row(outcome="shed", door="edge"),
        row(outcome="shed", operation="order", expected="sensitive"),
    ]
    assert figures.failed_idempotent(rows) == 2
    assert figures.edge_failed(rows) == 2
    assert figures.orders_failed(rows) == 2


def test_an_ad_turned_away_counts_for_the_recovery_only_where_asked():
    """Shedding is an answer, but no ad from the reserve."""
    rows = [row(intended_mono_ns=10**9, outcome="shed")]
    until = 2 * 10**9
    assert figures.rto_ms(rows, 0, until_mono_ns=until) == 0
    assert figures.rto_ms(rows, 0, until_mono_ns=until, shed_is_trouble=True) == 1000


def test_beacons_count_where_a_public_site_answered():
    """A beacon answered from the reserve or not at all need not have passed a tap."""
    rows = [
        row(beacon="b-a"), row(beacon="b-a"), row(beacon="b-b", served_site="private"),
        row(beacon="b-c", served_site=""), row(beacon=""),
    ]  # fmt: skip
    assert figures.public_beacons(rows, PUBLIC) == {"b-a"}
    assert figures.beacons_carried(rows) == {"b-a", "b-b", "b-c"}


def test_a_scan_miss_is_a_canary_a_public_site_served():
    """A refusal by the edge is no miss, a public answer to a canary of any class is."""
    rows = [
        row(canary=1, expected="raised", status=421, door="edge"),
        row(canary=2, expected="raised", served_site="private"),
        row(canary=3, expected="raised"), row(canary=4, expected="sensitive"), row(),
    ]  # fmt: skip
    assert figures.scan_misses(rows, PUBLIC) == 2
    assert figures.canaries_planted(rows) == 4


def test_acknowledged_clicks_are_those_answered_202():
    """Only 202 acknowledges, and sites can be told apart."""
    rows = [
        row(event_id="a", status=202), row(event_id="b", status=202, served_site="private"),
        row(event_id="c", status=503), row(event_id=""),
    ]  # fmt: skip
    assert figures.acked_clicks(rows) == ["a", "b"]
    assert figures.acked_clicks(rows, PUBLIC) == ["a"]
