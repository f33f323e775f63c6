"""Finished events as the forecaster keeps them: traits, ordinary level at their time, and their path of demand."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from autoscale.forecast.multiplier import Example, Traits

BEFORE_MIN = 180
"""Paths begin this long before the start: early arrival begins about 100 minutes before (anchors §3.2)."""
LEVEL_MIN = 5
"""The live level is the mean of this many minutes: one minute of a small service is noise."""
BIN_MIN = 5
"""Paths are compared by the highest minute of every so many."""

TYPE_PULL = 3.0
"""Partial pooling of paths: all earlier events together weigh this much, each of the same type one more."""
HOLD_EVENTS = 3
"""Below this many events, how long they last is not judged."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """One finished event. `path` is the log of demand per minute from BEFORE_MIN before the start to its end."""

    traits: Traits
    ordinary_log: float
    path: NDArray[np.float64]

    @property
    def peak_log(self) -> float:
        """The log of its highest minute."""
        return float(self.path.max())

    @property
    def example(self) -> Example:
        """What the calendar forecast learns of it."""
        return Example(traits=self.traits, ordinary_log=self.ordinary_log, peak_log=self.peak_log)


def logs(demand: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of demand per minute; an empty minute counts as one request."""
    return np.log(np.maximum(demand, 1.0))


def remember(
    demand: NDArray[np.float64], *, start_min: int, end_min: int, traits: Traits, ordinary: float
) -> Past | None:
    """The event as history; None if its lead or its end is not within `demand`."""
    if start_min < BEFORE_MIN or end_min > len(demand):
        return None
    return Past(
        traits=traits,
        ordinary_log=float(np.log(max(ordinary, 1.0))),
        path=logs(demand[start_min - BEFORE_MIN : end_min]),
    )


def bins_until(length_min: int) -> int:
    """How many bins a path has that ends `length_min` after the start."""
    return -(-(BEFORE_MIN + length_min) // BIN_MIN)


class Paths:
    """Finished events side by side, one row each, NaN after the end of the shorter ones."""

    def __init__(self, past: Sequence[Past]) -> None:
        self.past = tuple(past)
        width = max((-(-len(one.path) // BIN_MIN) for one in past), default=0)
        self.bins = np.full((len(past), width), np.nan)
        """The highest minute of each bin, in logs."""
        for row, one in enumerate(past):
            padded = np.full(-(-len(one.path) // BIN_MIN) * BIN_MIN, -np.inf)
            padded[: len(one.path)] = one.path
            highest = padded.reshape(-1, BIN_MIN).max(axis=1)
            self.bins[row, : len(highest)] = highest
        self.peaks = np.array([one.peak_log for one in past])
        kinds = np.array([one.traits.type for one in past])
        self._same = (kinds[:, None] == kinds[None, :]).astype(np.float64)
        self.types = tuple(kinds.tolist())

    def __len__(self) -> int:
        return len(self.past)

    def levels(self, offset_min: int) -> NDArray[np.float64]:
        """The log of each event's level in the minutes before `offset_min`; NaN where it had ended."""
        at = offset_min + BEFORE_MIN
        found = np.full(len(self.past), np.nan)
        for row, one in enumerate(self.past):
            if at <= len(one.path):
                found[row] = np.log(np.exp(one.path[max(0, at - LEVEL_MIN) : at]).mean())
        return found

    def hold_min(self, share: float) -> int | None:
        """Minutes after the start until `share` of the events had fallen below half their peak for good.

        None with fewer than HOLD_EVENTS.
        """
        if len(self.past) < HOLD_EVENTS:
            return None
        lasted = [
            int(np.nonzero(one.path >= one.peak_log - np.log(2.0))[0][-1]) + 1 - BEFORE_MIN
            for one in self.past
        ]
        return max(BIN_MIN, int(np.quantile(lasted, share, method="higher")))

    def pull_of(self, kind: str) -> NDArray[np.float64]:
        """How much each event says of a new one: partial pooling as weights, own type one more than others."""
        same = np.array([one == kind for one in self.types], dtype=np.float64)
        return same + TYPE_PULL / max(len(self.past), 1)

    def pull_left_out(self) -> NDArray[np.float64]:
        """The same of every event for every other; the diagonal is zero."""
        pull = self._same + TYPE_PULL / max(len(self.past) - 1, 1)
        np.fill_diagonal(pull, 0.0)
        return pull
