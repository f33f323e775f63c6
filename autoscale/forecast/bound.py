"""An upper bound that holds with a stated probability: split conformal where there are enough misses, else Student.

Split conformal (Vovk; Lei et al. 2018): with n exchangeable misses the one of rank ceil((n+1)q) covers the next
with probability at least q. It exists only for n >= q/(1-q): 9 for 0.90, 19 for 0.95. Below that the misses are
taken as normal around a prior, and the bound is the Student-t predictive one, which is wide while n is small.
"""

import functools
import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

PRIOR_EVENTS = 4.0
"""The prior weighs as much as this many events."""
PRIOR_SPREAD = 0.5
"""Standard deviation of a log multiplier nobody has measured: a factor of about 1.65 either way."""
UNIT = 1.0
"""The prior spread of misses that were divided by their own spread."""


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """How many spreads above a log forecast quantile `q` is, from `n` events."""

    value: float
    q: float
    n: int
    method: Literal["conformal", "student"]


def needed(q: float) -> int:
    """Residuals that split conformal needs for `q`."""
    return math.ceil(q / (1 - q) - 1e-9)


def upper(misses: Sequence[float], q: float) -> Bound:
    """The bound for quantile `q`, 0.5 <= q < 1, of misses (log of actual over forecast) in spreads."""
    if not 0.5 <= q < 1:
        raise ValueError(f"quantile {q} must be in [0.5, 1)")
    n = len(misses)
    if n >= needed(q):
        rank = math.ceil((n + 1) * q - 1e-9)
        return Bound(value=sorted(misses)[rank - 1], q=q, n=n, method="conformal")
    return Bound(value=_predictive(misses, q), q=q, n=n, method="student")


def _predictive(misses: Sequence[float], q: float) -> float:
    """Normal misses around zero with a prior on their spread: location 0, Student-t, wider for few."""
    freedom = PRIOR_EVENTS + len(misses)
    squares = PRIOR_EVENTS * UNIT**2 + sum(value * value for value in misses)
    scale = math.sqrt(squares / freedom * (1 + 1 / freedom))
    return student_quantile(q, freedom) * scale


@functools.lru_cache(maxsize=4096)
def student_quantile(q: float, freedom: float) -> float:
    """The quantile of Student's t, 0.5 <= q < 1, by bisection on its integrated density."""
    constant = math.exp(
        math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    ) / math.sqrt(freedom * math.pi)  # fmt: skip
    low, high = 0.0, 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        grid = np.sinh(np.linspace(0.0, math.asinh(middle), 801))
        density = constant * (1 + grid**2 / freedom) ** (-(freedom + 1) / 2)
        if 0.5 + float(np.trapezoid(density, grid)) < q:
            low = middle
        else:
            high = middle
    return (low + high) / 2
