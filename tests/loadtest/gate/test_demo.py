"""Rows of the demo's generator in the shape of a driven run: same counts, same latencies, nothing lost."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.load import LoadPlan
from loadtest import figures
from loadtest.gate.demo import demo_cells, demo_classes, demo_rows
from loadtest.gate.measured import add_up, figures_of
from tests.loadtest.test_figures import row

ROWS = st.lists(
    st.builds(
        row,
        st.integers(0, 10**6),
        intended_mono_ns=st.integers(0, 4 * 10**9),
        latency_us=st.integers(1, 10**6),
        late_us=st.sampled_from([0, 49_999, 60_000]),
        operation=st.sampled_from(["ads", "order"]),
        outcome=st.sampled_from(["ok", "failed", "shed", "unknown"]),
        beacon=st.sampled_from(["", "b-x"]),
        canary=st.sampled_from([0, 3]),
        status=st.sampled_from([0, 200, 503]),
    ),
    max_size=40,
)


@given(ROWS)
def test_every_request_is_in_one_cell(rows):
    """Counts by outcome and lateness are those of the rows."""
    totals = add_up(demo_cells(rows, 0))
    found, expected = figures_of(totals), figures.requests_of(rows)
    assert (found.sent, found.ok, found.failed, found.shed) == (
        expected.sent, expected.ok, expected.failed, expected.shed,
    )  # fmt: skip
    assert sum(it.late for it in totals) == expected.late_sends


@given(ROWS)
def test_what_is_worth_a_row_keeps_it(rows):
    """Trouble, slowness, orders, beacons and canaries; the rest is counted only."""
    kept = {it.n for it in demo_rows(rows)}
    for one in rows:
        worth = (
            one.outcome != "ok" or one.latency_us > 250_000 or one.late_us > 50_000 or one.beacon
            or one.canary or one.operation == "order"
        )  # fmt: skip
        if worth:
            assert one.n in kept
    assert Counter(it.outcome for it in demo_rows(rows))["failed"] == sum(
        one.outcome == "failed" for one in rows
    )


def test_kinds_are_operations_at_a_class():
    """Ads and clicks may be raised, orders and profiles are sensitive."""
    plan = LoadPlan(
        run="r", seed=1, rate=1, duration_s=1, core="c", edge="e",
        mix={"ads": 0.5, "click": 0.3, "order": 0.1, "profile": 0.1},
    )  # fmt: skip
    classes, services = demo_classes(plan)
    assert classes == {
        "ads.public": "public", "ads.raised": "raised", "click.public": "public",
        "click.raised": "raised", "order.sensitive": "sensitive", "profile.sensitive": "sensitive",
    }  # fmt: skip
    assert services["click.raised"] == "clicks"
    assert set(services) == set(classes)


def test_a_fast_refusal_has_no_latency():
    """Only answers as expected and waits without an answer are times a customer had."""
    rows = [
        row(1, outcome="shed", status=503, latency_us=10),
        row(2, outcome="ok", status=200, latency_us=20_000),
        row(3, outcome="failed", status=0, latency_us=5_000_000),
    ]
    found = figures_of(add_up(demo_cells(rows, 0)))
    assert found.p50_ms == pytest.approx(20, rel=1e-3)
    assert found.p999_ms == pytest.approx(5000, rel=1e-3)
