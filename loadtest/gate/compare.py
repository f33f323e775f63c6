"""Are two runs different, and by how much: second against second, class by class. Pure.

Seconds are the samples: requests within one share its luck. The test is Mann and Whitney's (1947) two-sided U with
the normal approximation and correction for ties, Holm's (1979) correction over the report; the interval of the
ratio of medians is a bootstrap's. A difference counts when it is both beyond chance and larger than matters.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Literal, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from contracts.gate import CompareReport, Difference
from contracts.load import TrafficClass
from loadtest.drive.histogram import sum_of
from loadtest.gate.measured import Measured, Total

Metric = Literal["p50_ms", "p99_ms", "bad_share"]
METRICS: tuple[Metric, ...] = ("p50_ms", "p99_ms", "bad_share")
P_MAX = 0.01
MATTERS = 0.05
"""Smaller relative changes are noise to whoever signs."""
BAD_MATTERS = 0.001
"""A share of bad requests matters by its absolute change: twice nothing is nothing."""
SECONDS_MIN = 8
"""Fewer seconds a run cannot differ beyond chance at P_MAX after correction."""
RESAMPLES = 2_000
SEED = 7

Floats = NDArray[np.float64]


def compare(
    a: Measured, b: Measured, seconds: tuple[frozenset[int], frozenset[int]]
) -> CompareReport:
    """`b` against `a`, in the seconds of each that are judged."""
    classes: list[TrafficClass] = sorted(set(a.classes.values()) & set(b.classes.values()))
    found = [
        difference(
            traffic,
            metric,
            series(a.of_class(traffic), metric, seconds[0]),
            series(b.of_class(traffic), metric, seconds[1]),
        )
        for traffic in classes
        for metric in METRICS
    ]
    corrected = tuple(_holm(found))
    return CompareReport(
        a=a.run,
        b=b.run,
        worse=any(it.change == "worse" for it in corrected),
        differences=corrected,
    )


def series(cells: Iterator[Total], metric: Metric, seconds: frozenset[int]) -> Floats:
    """The metric in every second, in order; seconds without a request have none."""
    by_second: dict[int, list[Total]] = {}
    for cell in cells:
        if cell.second in seconds:
            by_second.setdefault(cell.second, []).append(cell)
    return np.array([_value(by_second[second], metric) for second in sorted(by_second)])


def _value(cells: Sequence[Total], metric: Metric) -> float:
    if metric == "bad_share":
        return sum(cell.bad for cell in cells) / sum(cell.sent for cell in cells)
    latencies = sum_of(cell.latencies for cell in cells)
    return latencies.quantile_ms(0.5 if metric == "p50_ms" else 0.99)


def difference(traffic: TrafficClass, metric: Metric, a: Floats, b: Floats) -> Difference:
    """One figure in both runs; the change is judged once all p-values are corrected."""
    if min(a.size, b.size) < SECONDS_MIN:
        first, second = (float(np.median(it)) if it.size else 0.0 for it in (a, b))
        return Difference(
            traffic=traffic, metric=metric, a=first, b=second, ratio=_ratio(first, second),
            ratio_low=0.0, ratio_high=0.0, p_value=1.0, change="unknown",
        )  # fmt: skip
    middle = np.mean if metric == "bad_share" else np.median
    first, second = float(middle(a)), float(middle(b))
    low, high = _ratio_interval(a, b, mean=metric == "bad_share")
    return Difference(
        traffic=traffic, metric=metric, a=first, b=second, ratio=_ratio(first, second),
        ratio_low=low, ratio_high=high, p_value=mann_whitney(a, b), change="same",
    )  # fmt: skip


def mann_whitney(a: Floats, b: Floats) -> float:
    """The two-sided p-value that a value of one is no more likely to be the larger than one of the other."""
    n, m = a.size, b.size
    both = np.concatenate((a, b))
    values, places, counts = np.unique(both, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[places]
    u = float(ranks[:n].sum()) - n * (n + 1) / 2
    total = n + m
    ties = float((counts**3 - counts).sum()) / (total * (total - 1))
    spread = math.sqrt(n * m / 12 * (total + 1 - ties))
    if spread == 0 or values.size == 1:
        return 1.0
    # Half a step towards the middle: ranks are whole numbers, the normal distribution is not.
    distance = max(abs(u - n * m / 2) - 0.5, 0.0) / spread
    return math.erfc(distance / math.sqrt(2))


def _ratio(a: float, b: float) -> float:
    if a > 0:
        return b / a
    return 1.0 if b == 0 else 1e9


def _ratio_interval(a: Floats, b: Floats, *, mean: bool) -> tuple[float, float]:
    rng = np.random.default_rng(SEED)
    middles: list[Floats] = []
    for values in (a, b):
        drawn = values[rng.integers(0, values.size, (RESAMPLES, values.size))]
        middles.append(drawn.mean(axis=1) if mean else np.median(drawn, axis=1))
    ratios = [
        _ratio(first, second)
        for first, second in zip(
            cast("list[float]", middles[0].tolist()), cast("list[float]", middles[1].tolist()), strict=True
        )
    ]  # fmt: skip
    low, high = cast("list[float]", np.quantile(ratios, (0.025, 0.975)).tolist())
    return low, high


def _holm(found: Sequence[Difference]) -> Iterator[Difference]:
    """The same with corrected p-values and the change they allow."""
    order = sorted(range(len(found)), key=lambda at: found[at].p_value)
    corrected = [1.0] * len(found)
    before = 0.0
    for rank, at in enumerate(order):
        before = max(before, min(1.0, (len(found) - rank) * found[at].p_value))
        corrected[at] = before
    for one, p_value in zip(found, corrected, strict=True):
        yield msgspec.structs.replace(one, p_value=p_value, change=_change(one, p_value))


def _change(one: Difference, p_value: float) -> Literal["better", "worse", "same", "unknown"]:
    if one.change == "unknown":
        return "unknown"
    if one.metric == "bad_share":
        matters = abs(one.b - one.a) > BAD_MATTERS
    else:
        matters = abs(one.ratio - 1) > MATTERS
    if p_value > P_MAX or not matters:
        return "same"
    return "worse" if one.b > one.a else "better"
