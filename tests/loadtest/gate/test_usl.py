"""The scalability law: exact points give back their parameters, noise is within the interval, nonsense is None."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.gate.usl import fit, throughput

LEVELS = np.array([1, 2, 5, 10, 20, 30, 45, 60, 80, 110], dtype=float)


def rates(rate, sigma, kappa):
    return throughput(np.array([rate, sigma, kappa]), LEVELS)


def fitted(levels, values):
    return fit(list(levels), list(values), np.random.default_rng(1))


@settings(max_examples=10, deadline=None)
@given(st.floats(1, 1e5), st.floats(0, 0.5), st.floats(1e-6, 1e-2))
def test_exact_points_give_back_their_law(rate, sigma, kappa):
    """Rate, contention and coherence as put in, and the knee they imply."""
    found = fitted(LEVELS, rates(rate, sigma, kappa))
    assert found.rate.value == pytest.approx(rate, rel=1e-6)
    assert found.sigma.value == pytest.approx(sigma, rel=1e-4, abs=1e-6)
    assert found.kappa.value == pytest.approx(kappa, rel=1e-4, abs=1e-9)
    assert found.knee.value == pytest.approx(((1 - sigma) / kappa) ** 0.5, rel=1e-3)
    assert found.r_squared == pytest.approx(1)


def test_the_truth_is_within_the_interval_of_noisy_points():
    """With 3 % noise the 95 % intervals of knee and peak hold the truth in most of many runs."""
    rng, truth = np.random.default_rng(3), rates(100, 0.03, 0.0004)
    knee = (0.97 / 0.0004) ** 0.5
    peak = float(throughput(np.array([100, 0.03, 0.0004]), np.array([knee]))[0])
    held = 0
    for _ in range(16):
        found = fitted(LEVELS, truth * rng.normal(1, 0.03, LEVELS.size))
        assert found.knee.low <= found.knee.value <= (found.knee.high or np.inf)
        held += found.peak_rps.low <= peak <= (found.peak_rps.high or np.inf)
    assert held >= 11


def test_a_line_has_no_knee():
    """Throughput that never falls: no highest point is made up."""
    found = fitted(LEVELS, LEVELS * 10)
    assert (found.knee.value, found.peak_rps.value, found.peak_rps.high) == (0, 0, 0)
    assert found.kappa.value == pytest.approx(0, abs=1e-9)


def test_a_knee_that_may_not_be_there_has_no_upper_end():
    """Levels far below it: some resamples see none, and no end is made up."""
    found = fitted(
        LEVELS[:6], rates(100, 0.01, 1e-5)[:6] * np.array([1, 1.03, 0.97, 1.02, 0.98, 1])
    )
    assert found.knee.high == 0
    assert found.peak_rps.low <= found.peak_rps.value or found.peak_rps.value == 0


@pytest.mark.parametrize(
    ("levels", "values"),
    [
        ([], []),
        ([1, 2, 3], [1, 2, 3]),
        ([1, 1, 1, 1, 1], [1, 2, 1, 2, 1]),
        ([0, 1, 2, 3], [0, 1, 2, 3]),
    ],
)
def test_too_few_levels_are_no_fit(levels, values):
    """Three parameters through three points fit anything."""
    assert fitted(levels, values) is None


def test_no_parameter_is_ever_negative():
    """Noise that would bend the law the other way is a zero, not a negative cost."""
    rng = np.random.default_rng(5)
    for _ in range(8):
        found = fitted(LEVELS, rng.uniform(1, 100, LEVELS.size))
        if found is not None:
            assert min(found.rate.low, found.sigma.low, found.kappa.low) >= 0
