"""Arrivals of a changing rate: how many, where, and the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.drive.arrivals import blocks
from loadtest.drive.profile import Piece


def arrivals(pieces, kind="poisson", *, worker=0, workers=1, seed=1):
    rng = np.random.default_rng(seed)
    found = list(blocks(pieces, kind, worker=worker, workers=workers, rng=rng))
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def pieces_from(rates):
    return [
        Piece(start_s=float(2 * at), for_s=2.0, rate=before, to=after)
        for at, (before, after) in enumerate(rates)
    ]


RATES = st.lists(st.tuples(st.floats(0, 500), st.floats(0, 500)), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(RATES, st.sampled_from(["poisson", "uniform"]), st.integers(1, 3), st.integers(0, 99))
def test_instants_ascend_and_stay_within_the_profile(rates, kind, workers, seed):
    """No instant goes back or lies outside, at any change of rate, for every worker."""
    for worker in range(workers):
        due = arrivals(pieces_from(rates), kind, worker=worker, workers=workers, seed=seed)
        assert (np.diff(due) >= 0).all()
        assert not due.size or (due[0] >= 0 and due[-1] <= len(rates) * 2 * 10**9)


@settings(max_examples=40, deadline=None)
@given(RATES, st.integers(1, 4))
def test_uniform_arrivals_are_exactly_as_many_as_planned(rates, workers):
    """All workers together send the area under the profile, to the one that falls on its end."""
    pieces = pieces_from(rates)
    total = sum(
        arrivals(pieces, "uniform", worker=worker, workers=workers).size
        for worker in range(workers)
    )
    assert total == pytest.approx(sum(piece.requests for piece in pieces), abs=1.001)


def test_uniform_workers_take_turns():
    """Together they are one evenly spaced stream."""
    pieces = [Piece(start_s=0, for_s=1, rate=10, to=10)]
    both = np.concatenate([arrivals(pieces, "uniform", worker=n, workers=2) for n in range(2)])
    assert sorted(both.tolist()) == pytest.approx([n * 10**8 for n in range(10)], abs=2)


def test_poisson_counts_have_the_mean_and_the_spread_of_one():
    """In a ramp, counts of half seconds agree with the area: mean and variance within four deviations."""
    pieces = [Piece(start_s=0, for_s=10, rate=0, to=400)]
    counts = np.array(
        [np.histogram(arrivals(pieces, seed=n), 20, (0, 10**10))[0] for n in range(200)]
    )
    expected = np.array([piece * 400 / 20 * 0.5 + 5 for piece in range(20)])
    assert np.abs(counts.mean(axis=0) - expected).max() < 4 * np.sqrt(expected.max() / 200)
    ratio = (counts.var(axis=0) / counts.mean(axis=0)).mean()
    assert 0.85 < ratio < 1.15


def test_two_poisson_workers_are_two_streams_of_half_the_rate():
    """Workers share the rate and no instant."""
    pieces = [Piece(start_s=0, for_s=100, rate=100, to=100)]
    rng = [np.random.default_rng(n) for n in (1, 2)]
    first, second = (
        np.concatenate(list(blocks(pieces, "poisson", worker=n, workers=2, rng=rng[n])))
        for n in range(2)
    )
    assert abs(first.size - 5000) < 300
    assert abs(second.size - 5000) < 300
    assert not set(first.tolist()) & set(second.tolist())


def test_equal_seeds_give_equal_instants():
    """A run can be repeated exactly, and another seed is another run."""
    pieces = [Piece(start_s=0, for_s=5, rate=50, to=200)]
    assert (arrivals(pieces) == arrivals(pieces)).all()
    assert not np.array_equal(arrivals(pieces), arrivals(pieces, seed=2))
