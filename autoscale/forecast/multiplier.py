"""What an event peaks at, known only from the calendar: a ridge on logs with partial pooling.

log(peak / ordinary) = global mean + deviation of its type + of its kind of day + of its hour + slope x (how unusual
ordinary traffic is). Deviations are shrunk towards zero as if PULL more events without any had been seen: a type seen
once says little by itself. The slope lets the peak depend less than in proportion on an ordinary level that says little.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

PULL = 1.0
PRIOR_LOG = float(np.log(2.0))
"""An event nobody has seen doubles ordinary traffic; this counts as PRIOR_WEIGHT events."""
PRIOR_WEIGHT = 1.0
FREE = 1e-9
"""The penalty of a mean that has no prior."""


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What the calendar says of an event: its type, its day (0 Monday) and its minute of the day."""

    type: str
    weekday: int
    minute_of_day: int

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups whose deviations add up to its multiplier."""
        day = "weekend" if self.weekday >= 5 else "workday"
        return (f"type {self.type}", day, f"{day} hour {self.minute_of_day // 60}")


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A finished event: traits, the log of ordinary traffic at its start, and of its peak."""

    traits: Traits
    ordinary_log: float
    peak_log: float


class Multipliers(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted model; `misses` are leave-one-out, log of actual over forecast, in the order given."""

    mean: float
    slope: float
    usual_log: float
    deviations: dict[str, float]
    misses: tuple[float, ...]

    def peak_log(self, traits: Traits, ordinary_log: float) -> float:
        """The log of the expected peak."""
        deviation = sum(self.deviations.get(group, 0.0) for group in traits.groups)
        return ordinary_log + self.mean + deviation + self.slope * (ordinary_log - self.usual_log)


def fit(seen: Sequence[Example], *, prior_log: float | None = PRIOR_LOG) -> Multipliers:
    """From finished events; none at all gives the prior, and no prior a mean that only they decide."""
    groups = sorted({group for one in seen for group in one.traits.groups})
    column = {group: index + 2 for index, group in enumerate(groups)}
    ordinary = np.array([one.ordinary_log for one in seen])
    usual = float(ordinary.mean()) if len(seen) else 0.0
    design = np.zeros((len(seen), len(groups) + 2))
    design[:, 0] = 1.0
    design[:, 1] = ordinary - usual
    for row, one in enumerate(seen):
        design[row, [column[group] for group in one.traits.groups]] = 1.0
    penalty = np.full(len(groups) + 2, PULL)
    penalty[0] = FREE if prior_log is None else PRIOR_WEIGHT
    start = prior_log or 0.0
    logs = np.array([one.peak_log for one in seen]) - ordinary - start
    weights, leverage = _ridge(design, logs, penalty=penalty)
    left_out = (logs - design @ weights) / np.maximum(1e-6, 1 - leverage)
    return Multipliers(
        mean=start + float(weights[0]), slope=float(weights[1]), usual_log=usual,
        deviations={group: float(weights[column[group]]) for group in groups},
        misses=tuple(float(value) for value in left_out),
    )  # fmt: skip


def _ridge(
    design: NDArray[np.float64], logs: NDArray[np.float64], *, penalty: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and leverages; leave-one-out misses of a ridge are exact from its leverages."""
    inverse = np.linalg.inv(design.T @ design + np.diag(penalty))
    weights = inverse @ design.T @ logs
    return weights, np.einsum("ij,jk,ik->i", design, inverse, design)
