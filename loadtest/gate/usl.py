"""The Universal Scalability Law (Gunther 1993) fitted to levels of load, with confidence by bootstrap.

Pure. X(N) = rate·N / (1 + sigma·(N-1) + kappa·N·(N-1)). Turned over, N/X is linear in (1, N-1, N·(N-1)), so a
least-squares fit with none of the three below zero is exact: at most four small systems. Rows are divided by N/X,
which makes it the relative error of X that is least.
"""

from collections.abc import Sequence
from itertools import product
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from contracts.capacity import Interval, UslFit

POINTS_MIN = 4
"""Three parameters need one more point to be wrong by."""
RESAMPLES = 500

Floats = NDArray[np.float64]


class Draws(Protocol):
    """What the bootstrap draws from: `numpy.random.Generator`."""

    def integers(self, low: int, high: int, size: tuple[int, int]) -> NDArray[np.int64]:
        """Whole numbers of [low, high)."""
        ...


def fit(
    concurrency: Sequence[float], throughput_rps: Sequence[float], draws: Draws
) -> UslFit | None:
    """The fit with 95 % intervals of a pairs bootstrap; None for too few levels or none above 0."""
    kept = [(n, x) for n, x in zip(concurrency, throughput_rps, strict=True) if n > 0 and x > 0]
    if len({n for n, _ in kept}) < POINTS_MIN:
        return None
    levels = np.array([n for n, _ in kept])
    rates = np.array([x for _, x in kept])
    best = _solve(levels, rates)
    if best is None:
        return None
    chosen = draws.integers(0, levels.size, (RESAMPLES, levels.size))
    resampled = [
        solved
        for row in chosen
        if np.unique(levels[row]).size >= POINTS_MIN - 1
        and (solved := _solve(levels[row], rates[row])) is not None
    ]
    samples = np.array([best, *resampled])
    knees, peaks = _knees(samples)
    return UslFit(
        points=len(kept),
        rate=_interval(samples[:, 0]),
        sigma=_interval(samples[:, 1]),
        kappa=_interval(samples[:, 2]),
        knee=_bounded(knees),
        peak_rps=_bounded(peaks),
        r_squared=_r_squared(best, levels, rates),
    )


def throughput(parameters: Floats, concurrency: Floats) -> Floats:
    """X(N) for (rate, sigma, kappa)."""
    rate, sigma, kappa = parameters
    n = concurrency
    return rate * n / (1 + sigma * (n - 1) + kappa * n * (n - 1))


def _solve(levels: Floats, rates: Floats) -> Floats | None:
    """(rate, sigma, kappa) of the best fit with all three not below 0."""
    inverse = levels / rates
    columns = (
        np.stack([np.ones_like(levels), levels - 1, levels * (levels - 1)], axis=1)
        / inverse[:, None]
    )
    best, least = None, np.inf
    for free in product((True, False), repeat=2):
        used = np.array([True, *free])
        part, *_ = np.linalg.lstsq(columns[:, used], np.ones_like(levels), rcond=None)
        if part[0] <= 0 or (part < 0).any():
            continue
        error = float(np.square(columns[:, used] @ part - 1).sum())
        if error < least:
            whole = np.zeros(3)
            whole[used] = part
            best, least = whole, error
    if best is None:
        return None
    return np.array([1 / best[0], best[1] / best[0], best[2] / best[0]])


def _knees(samples: Floats) -> tuple[Floats, Floats]:
    """Concurrency and height of each sample's highest throughput; 0 where it never falls."""
    sigma, kappa = samples[:, 1], samples[:, 2]
    falls = (kappa > 0) & (sigma < 1)
    safe = np.where(falls, kappa, 1.0)
    knees = np.where(falls, np.sqrt(np.maximum(1 - sigma, 0) / safe), 0.0)
    heights = np.array(
        [throughput(row, np.array([n]))[0] for row, n in zip(samples, knees, strict=True)]
    )
    return knees, np.where(falls, heights, 0.0)


def _interval(samples: Floats) -> Interval:
    """The first sample is the fit of all points. A value that is 0 has no interval: there is none to speak of."""
    low, high = cast("list[float]", np.quantile(samples, (0.025, 0.975)).tolist())
    value = float(samples[0])
    return Interval(value=value, low=min(low, value), high=max(high, value))


def _bounded(samples: Floats) -> Interval:
    """The interval of a highest point, where samples without one (0) are higher than any; 0 stands for no end."""
    value = float(samples[0])
    ordered = np.sort(np.where(samples > 0, samples, np.inf))
    low = float(ordered[int(0.025 * (ordered.size - 1))])
    high = float(ordered[int(np.ceil(0.975 * (ordered.size - 1)))])
    if value == 0 or not np.isfinite(low):
        return Interval(value=0.0, low=0.0 if not np.isfinite(low) else low, high=0.0)
    return Interval(
        value=value, low=min(low, value), high=max(high, value) if np.isfinite(high) else 0.0
    )


def _r_squared(best: Floats, levels: Floats, rates: Floats) -> float:
    spread = float(np.square(rates - rates.mean()).sum())
    rest = float(np.square(rates - throughput(best, levels)).sum())
    return 1 - rest / spread if spread > 0 else 0.0
