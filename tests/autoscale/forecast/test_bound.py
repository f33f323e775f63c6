"""The bound covers as often as it says, and says how it was found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscale.forecast.bound import needed, student_quantile, upper


def test_conformal_needs_nine_for_ninety_and_nineteen_for_ninetyfive() -> None:
    """Below these counts a conformal bound does not exist."""
    assert (needed(0.9), needed(0.95), needed(0.5)) == (9, 19, 1)
    assert upper([0.1] * 8, 0.9).method == "student"
    assert upper([0.1] * 9, 0.9).method == "conformal"


@given(st.lists(st.floats(-2, 2), min_size=9, max_size=60))
def test_a_conformal_bound_is_the_stated_rank(misses: list[float]) -> None:
    """At most n - ceil((n+1)q) misses exceed it."""
    found = upper(misses, 0.9)
    assert found.value in misses
    above = sum(miss > found.value for miss in misses)
    assert above <= len(misses) - np.ceil((len(misses) + 1) * 0.9 - 1e-9)


def test_conformal_covers_as_promised_whatever_the_distribution() -> None:
    """Over many draws of skewed misses the next one is covered at least 90 % of the time."""
    rng = np.random.default_rng(3)
    draws = rng.exponential(size=(4000, 13)) - 0.3
    covered = [row[12] <= upper(row[:12].tolist(), 0.9).value for row in draws]
    assert np.mean(covered) >= 0.9 - 0.015


@pytest.mark.parametrize("count", [0, 1, 2, 5, 8])
def test_few_normal_misses_are_covered_too(count: int) -> None:
    """The Student bound holds from the first event on when spreads are as the prior says."""
    rng = np.random.default_rng(4)
    draws = rng.standard_normal((3000, count + 1))
    covered = [row[count] <= upper(row[:count].tolist(), 0.9).value for row in draws]
    assert np.mean(covered) >= 0.9 - 0.02


def test_the_bound_narrows_as_events_come_in() -> None:
    """Nothing known is wider than eight quiet events."""
    assert upper([], 0.9).value > upper([0.1, -0.1] * 4, 0.9).value


def test_student_quantiles_are_those_of_the_tables() -> None:
    """t(0.95, 5) = 2.015, t(0.9, 2) = 1.886, t(0.975, 30) = 2.042."""
    assert student_quantile(0.95, 5) == pytest.approx(2.015, abs=1e-3)
    assert student_quantile(0.9, 2) == pytest.approx(1.886, abs=1e-3)
    assert student_quantile(0.975, 30) == pytest.approx(2.042, abs=1e-3)
    assert student_quantile(0.5, 4) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("q", [0.0, 0.4, 1.0, 2.0])
def test_a_quantile_that_is_no_upper_bound_is_refused(q: float) -> None:
    """Only 0.5 up to but not 1."""
    with pytest.raises(ValueError, match="must be in"):
        upper([0.0] * 30, q)
