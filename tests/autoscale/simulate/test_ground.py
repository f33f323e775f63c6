"""Start times are drawn as stated."""

import numpy as np
import pytest

from autoscale.simulate.ground import Ground, Lag, noisy


def test_without_spread_a_lag_is_its_median() -> None:
    """Sigma 0 draws nothing from the generator."""
    rng = np.random.default_rng(1)
    before = rng.bit_generator.state
    assert Lag(median_s=60.0).draw(rng) == 60.0
    assert rng.bit_generator.state == before


def test_a_spread_lag_has_its_median_and_its_p95() -> None:
    """Half of the draws are below the median, 95 % below the stated p95."""
    lag, rng = Lag(median_s=60.0, sigma=0.3), np.random.default_rng(1)
    drawn = np.array([lag.draw(rng) for _ in range(4000)])
    assert np.median(drawn) == pytest.approx(60.0, rel=0.03)
    assert (drawn <= lag.quantile_s(1.645)).mean() == pytest.approx(0.95, abs=0.01)


def test_a_noisy_ground_keeps_the_workload() -> None:
    """Only how things start changes, not what they carry."""
    ground = noisy(Ground())
    assert ground.workload == Ground().workload
    assert ground.nodes.failure_share > 0
    assert ground.pods.pull_s > 0
