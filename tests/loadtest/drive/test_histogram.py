"""Histograms agree with a sorted list within their stated error, also after being written and added up."""

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.drive.histogram import HIGHEST_US, Latencies, sum_of
from loadtest.figures import quantile

VALUES = st.lists(
    st.one_of(st.integers(1, 5_000), st.integers(1, HIGHEST_US)), min_size=1, max_size=300
)
SHARES = (0.0, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0)


def of(values) -> Latencies:
    latencies = Latencies()
    latencies.record(values)
    return latencies


@settings(max_examples=80, deadline=None)
@given(VALUES)
def test_percentiles_agree_with_a_sorted_list(values):
    """Every percentile is within 0.1 % of the nearest-rank value of the sorted list."""
    found, ordered = of(values), sorted(values)
    for share in SHARES:
        exact = quantile(ordered, share)
        assert found.quantile_ms(share) * 1000 == pytest.approx(exact, rel=1e-3, abs=1)
    assert found.count == len(values)
    assert found.mean_ms * 1000 == pytest.approx(sum(values) / len(values), rel=1e-3, abs=1)


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_written_and_added_up_it_is_the_same(parts):
    """Workers' histograms, read back from their lines, are as good as one of all values."""
    total = Latencies()
    for part in parts:
        total.decode(of(part).encode())
    whole = of([value for part in parts for value in part])
    again = sum_of([of(part) for part in parts])
    for share in SHARES:
        assert total.quantile_ms(share) == whole.quantile_ms(share) == again.quantile_ms(share)
    assert total.count == whole.count == again.count


def test_nothing_recorded_is_zero():
    """An empty second has no latency."""
    nothing = of([])
    assert (nothing.count, nothing.quantile_ms(0.99), nothing.mean_ms, nothing.max_ms) == (
        0,
        0,
        0,
        0,
    )
    assert sum_of([]).count == 0


def test_values_outside_the_range_are_bounded():
    """Zero and an hour count as the range's ends, never as an error."""
    found = of([0, -5, 3_600_000_000])
    assert found.count == 3
    assert found.max_ms == pytest.approx(HIGHEST_US / 1000, rel=1e-3)


def test_reset_forgets():
    """The one histogram of a worker is used for all its seconds."""
    found = of([5, 6])
    found.reset()
    assert found.count == 0


@pytest.mark.parametrize("text", ["", "x", "HISTF", "HISTFAAAAB94nE1W"])
def test_a_broken_line_is_a_value_error(text):
    """Whatever the library raises, the reader gets one kind of error."""
    with pytest.raises(ValueError, match="not a histogram"):
        Latencies().decode(text)


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_what_is_written_is_what_the_library_would_write(values):
    """Lines are HdrHistogram's own: it reads ours, and ours are its bytes."""
    theirs = HdrHistogram(1, HIGHEST_US, 3)
    for value in values:
        theirs.record_value(value)
    again = HdrHistogram(1, HIGHEST_US, 3)
    again.decode_and_add(of(values).encode())
    assert again.get_total_count() == len(values)
    for share in SHARES[1:]:
        assert again.get_value_at_percentile(share * 100) == theirs.get_value_at_percentile(
            share * 100
        )
    mine = Latencies()
    mine.decode(theirs.encode().decode())
    assert (mine.counts == of(values).counts).all()
