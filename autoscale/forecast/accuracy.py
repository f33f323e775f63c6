"""How good forecasts were: what was said of each event at its start, kept beside what came, and the sum of it.

The report is kept after each event; the next event's bound learns from the same misses.
"""

import statistics
from collections.abc import Sequence
from typing import Literal

import msgspec

from autoscale.forecast.outlook import Outlook


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One event: the peak said to be likely, the peak planned for at quantile `q`, and the one that came.

    Per minute; `method` is how the bound was found, from `events` finished ones.
    """

    name: str
    q: float
    middle: float
    planned: float
    actual: float
    method: Literal["conformal", "student"]
    events: int

    @property
    def covered(self) -> bool:
        """Whether what came was within the plan."""
        return self.actual <= self.planned

    @property
    def pinball(self) -> float:
        """The quantile loss, relative to what came."""
        gap = (self.actual - self.planned) / max(self.actual, 1.0)
        return max(self.q * gap, (self.q - 1) * gap)


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """Over several events; shares between 0 and 1.

    `coverage` is to be compared with `q`; `middle_error` is the mean absolute error of the likely peak over what
    came; `planned_over` the median of planned over actual. The `later_` figures leave out events whose bound had to
    do without conformal: too few were known.
    """

    events: int
    q: float
    coverage: float
    middle_error: float
    planned_over: float
    pinball: float
    later_events: int
    later_coverage: float | None
    later_planned_over: float | None


def kept(name: str, said: Outlook, *, actual: float, q: float) -> Kept:
    """What is kept of one event."""
    return Kept(
        name=name, q=q, middle=float(said.middle.max()), planned=float(said.demand.max()),
        actual=actual, method=said.bound.method, events=said.bound.n,
    )  # fmt: skip


def accuracy(every: Sequence[Kept]) -> Accuracy | None:
    """The report; None before the first event was over."""
    if not every:
        return None
    later = [one for one in every if one.method == "conformal"]
    return Accuracy(
        events=len(every),
        q=every[-1].q,
        coverage=statistics.fmean(one.covered for one in every),
        middle_error=statistics.fmean(abs(one.middle / max(one.actual, 1.0) - 1) for one in every),
        planned_over=statistics.median(one.planned / max(one.actual, 1.0) for one in every),
        pinball=statistics.fmean(one.pinball for one in every),
        later_events=len(later),
        later_coverage=statistics.fmean(one.covered for one in later) if later else None,
        later_planned_over=(
            statistics.median(one.planned / max(one.actual, 1.0) for one in later)
            if later
            else None
        ),
    )
