"""What one worker sends and when: due instant, kind, and whether on a connection of its own.

Pure: arrivals, the mix and the share of new connections drawn block by block from the plan's seed.
"""

from collections.abc import Iterator
from typing import cast

import numpy as np

from contracts.drive import DrivePlan
from loadtest.drive.arrivals import Offsets, blocks
from loadtest.drive.document import Loaded

BUSY_RPS = 2_000
"""A worker faster than this wakes at most every `REST_NS`: a wake-up for each arrival would cost more than it."""
REST_NS = 200_000

Due = tuple[int, int, bool]
"""Monotonic nanoseconds, index of the kind, whether on a new connection."""


class Schedule:
    """Requests in order of time; `due` is the next one, None at the end, `planned` how many were drawn so far."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        worker: int,
        start_ns: int,
        seeds: tuple[np.random.SeedSequence, ...],
    ) -> None:
        plan = loaded.plan
        arrivals, mix = (np.random.default_rng(seed) for seed in seeds)
        self._blocks = blocks(
            loaded.pieces, plan.arrivals, worker=worker, workers=plan.workers, rng=arrivals
        )
        self._mix = mix
        self._shares = shares_of(plan)
        self._new = plan.new_connections
        self._start_ns = start_ns
        self._queue: Iterator[Due] = iter(())
        self.rest_ns = 0
        self.planned = 0
        self.due: Due | None = None
        self.advance()

    def advance(self) -> None:
        """Go on to the next request."""
        self.due = next(self._queue, None)
        if self.due is None and (block := next(self._blocks, None)) is not None:
            self._queue = self._requests(block)
            self.due = next(self._queue)

    def count_rest(self) -> None:
        """Count what is left without sending it: `planned` is then the whole plan's."""
        self.planned += sum(int(block.size) for block in self._blocks)

    def _requests(self, offsets: Offsets) -> Iterator[Due]:
        count = int(offsets.size)
        self.planned += count
        span_s = max(float(offsets[-1] - offsets[0]) / 1e9, 1e-3)
        self.rest_ns = REST_NS if count / span_s > BUSY_RPS else 0
        due = cast("list[int]", (offsets + self._start_ns).tolist())
        drawn = np.searchsorted(self._shares, self._mix.random(count), side="right")
        which = cast("list[int]", np.minimum(drawn, self._shares.size - 1).tolist())
        fresh = [False] * count
        if self._new:
            fresh = cast("list[bool]", (self._mix.random(count) < self._new).tolist())
        return zip(due, which, fresh, strict=True)


def shares_of(plan: DrivePlan) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The upper ends of each kind's part of [0, 1)."""
    weights = np.array([template.weight for template in plan.requests], dtype=np.float64)
    return np.cumsum(weights) / weights.sum()
