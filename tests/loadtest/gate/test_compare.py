"""Two runs held against each other: a change is named only when it is beyond chance and matters."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.gate import Difference
from loadtest.gate.compare import _holm, compare, difference, mann_whitney, series
from tests.loadtest.gate.runs import GOOD, STEADY_S, changed, total

SECONDS = frozenset(STEADY_S)


def run(base_us, *, failed=0, name="run", seed=1):
    """Twenty seconds whose latency wavers by 3 % around a base."""
    rng = np.random.default_rng(seed)
    cells = [
        total(second, "ads", 300, base_us=int(base_us * rng.normal(1, 0.03)), failed=failed)
        for second in STEADY_S
    ]
    return changed(run=name, cells=tuple(cells), classes={"ads": "public"})


def changes(a, b):
    found = compare(a, b, (SECONDS, SECONDS))
    return {it.metric: it.change for it in found.differences}, found


def test_the_same_service_twice_is_the_same():
    """Two runs that differ by chance alone are not told apart."""
    found, report = changes(run(20_000), run(20_000, seed=2))
    assert set(found.values()) == {"same"}
    assert not report.worse


@pytest.mark.parametrize(("factor", "change"), [(1.3, "worse"), (0.7, "better")])
def test_a_service_that_became_slower_or_faster_is_named(factor, change):
    """With the ratio and an interval that holds it."""
    found, report = changes(run(20_000), run(20_000 * factor, seed=2))
    assert found == {"p50_ms": change, "p99_ms": change, "bad_share": "same"}
    p50 = report.differences[0]
    assert p50.ratio == pytest.approx(factor, rel=0.04)
    assert p50.ratio_low < factor * 1.03
    assert p50.ratio_high > factor * 0.97
    assert report.worse is (change == "worse")


def test_a_difference_too_small_to_matter_is_the_same():
    """2 % slower in every second is beyond chance, and nobody's business."""
    a, b = run(20_000), run(20_400)
    found, report = changes(a, b)
    assert found["p50_ms"] == "same"
    assert report.differences[0].ratio > 1.01


def test_more_bad_requests_are_worse():
    """From none to one in three hundred."""
    found, report = changes(run(20_000), run(20_000, failed=1, seed=2))
    assert found["bad_share"] == "worse"
    assert report.differences[2].ratio == 1e9


def test_too_few_seconds_say_nothing():
    """Eight at least on both sides."""
    few = compare(run(20_000), run(40_000), (SECONDS, frozenset(range(20, 25))))
    assert {it.change for it in few.differences} == {"unknown"}
    assert not few.worse


def test_classes_only_one_run_has_are_left_out():
    """There is nothing to hold them against."""
    found = compare(GOOD, run(20_000), (SECONDS, SECONDS))
    assert {it.traffic for it in found.differences} == {"public"}


VALUES = st.lists(st.integers(0, 30), min_size=8, max_size=30)


@settings(max_examples=80)
@given(VALUES, VALUES)
def test_the_test_is_symmetric_and_a_probability(a, b):
    """Which run is first does not matter; ties and constants are no trouble."""
    first = mann_whitney(np.array(a, dtype=float), np.array(b, dtype=float))
    second = mann_whitney(np.array(b, dtype=float), np.array(a, dtype=float))
    assert first == pytest.approx(second)
    assert 0 <= first <= 1


def test_the_test_agrees_with_a_permutation_of_the_samples():
    """The normal approximation against 20,000 shuffles, with ties, at three distances."""
    rng = np.random.default_rng(2)
    for shift in (0, 2, 4):
        a, b = rng.poisson(10, 15).astype(float), rng.poisson(10 + shift, 18).astype(float)
        both = np.concatenate((a, b))

        def u_of(values):
            return sum((x > y) + 0.5 * (x == y) for x in values[:15] for y in values[15:])

        distance = abs(u_of(both) - 15 * 18 / 2)
        greater = (both[:, None] > both[None, :]) + 0.5 * (both[:, None] == both[None, :])
        hits = 0
        for _ in range(20_000):
            order = rng.permutation(33)
            u = greater[np.ix_(order[:15], order[15:])].sum()
            hits += abs(u - 15 * 18 / 2) >= distance - 1e-9
        assert mann_whitney(a, b) == pytest.approx(hits / 20_000, abs=0.012)


def test_under_no_difference_p_values_are_spread_evenly():
    """At most about one in a hundred is below 0.01: a report of many runs does not cry wolf."""
    rng = np.random.default_rng(4)
    p = np.array([mann_whitney(rng.normal(size=20), rng.normal(size=20)) for _ in range(2_000)])
    assert (p < 0.01).mean() < 0.02
    assert (p < 0.5).mean() == pytest.approx(0.5, abs=0.05)


def test_correction_never_makes_a_difference_surer():
    """Holm: the smallest is multiplied by the number of figures, and order is kept."""
    one = difference("public", "p50_ms", np.arange(9.0), np.arange(9.0))
    given = [msgspec.structs.replace(one, p_value=p) for p in (0.02, 0.001, 0.5)]
    assert [it.p_value for it in _holm(given)] == pytest.approx([0.04, 0.003, 0.5])
    assert all(isinstance(it, Difference) for it in _holm([]))


def test_a_series_has_one_value_a_second():
    """In order; seconds that are not judged and those without requests are left out."""
    cells = [total(n, "ads", 10, base_us=1000 * (n + 1), failed=5) for n in (3, 0, 1)]
    assert series(iter(cells), "bad_share", frozenset({0, 1})).tolist() == [0.5, 0.5]
    assert series(iter(cells), "p50_ms", frozenset({0, 3})) == pytest.approx([1.0, 4.0], rel=0.01)
