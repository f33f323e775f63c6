"""Cells of several workers added up, and figures over any of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.gate.measured import add_up, figures_of
from tests.loadtest.gate.runs import GOOD, START_NS, cell_of

VALUES = st.lists(st.integers(1, 10**6), min_size=1, max_size=20)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab"), VALUES), max_size=8))
def test_no_request_is_lost_or_counted_twice(parts):
    """However workers shared them, each second of each kind stands once with all its requests."""
    totals = add_up(cell_of(second, kind, values) for second, kind, values in parts)
    assert len({(it.second, it.kind) for it in totals}) == len(totals)
    assert sum(it.sent for it in totals) == sum(len(values) for *_, values in parts)
    assert figures_of(totals).ok == sum(it.latencies.count for it in totals)


def test_figures_are_those_of_all_requests_together():
    """Percentiles of the sum, not sums of percentiles."""
    figures = figures_of(add_up([cell_of(0, "a", [1000] * 99), cell_of(1, "a", [100_000])]))
    assert (figures.sent, figures.ok, figures.failed, figures.shed) == (100, 100, 0, 0)
    assert (figures.p50_ms, figures.p99_ms) == pytest.approx((1, 1), rel=1e-3)
    assert figures.p999_ms == pytest.approx(100, rel=1e-3)
    assert figures_of([]).sent == 0


def test_a_broken_histogram_is_an_error():
    """Half a line of base64 is not a second without latency."""
    broken = cell_of(0, "a", [1])
    with pytest.raises(ValueError, match="histogram"):
        add_up([type(broken)(0, "a", 1, 1, 0, 0, 0, 0, broken.histogram[:20])])


def test_a_run_knows_its_time():
    """Seconds count from the first intended instant; the run is as long as its phases."""
    assert GOOD.second_of(START_NS + 1_500_000_000) == 1.5
    assert GOOD.duration_s == 40
    assert GOOD.holds(START_NS)
    assert not GOOD.holds(START_NS - 1)
    assert {cell.kind for cell in GOOD.of_class("sensitive")} == {"order"}
