"""When requests are intended: arrivals of a profile, a block at a time, equal for equal seeds.

Pure. A Poisson process of changing rate is one of rate 1 seen through the expected count L(t): with unit-rate
arrivals at e1 < e2 < …, the n-th request is due where L(t) = e_n (time-change theorem; Lewis and Shedler 1979).
Each of W workers draws its own process of rate 1/W; together they are one of rate 1.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from loadtest.drive.profile import Piece

BLOCK_S = 0.5
"""Pieces are cut to this length: a block of a worker at 50,000 requests a second is 25,000 arrivals."""

Offsets = NDArray[np.int64]


def blocks(
    pieces: Iterable[Piece],
    arrivals: Literal["poisson", "uniform"],
    *,
    worker: int,
    workers: int,
    rng: np.random.Generator,
) -> Iterator[Offsets]:
    """Offsets in nanoseconds from the run's start, ascending over all blocks."""
    counts = _Counts(arrivals, worker=worker, workers=workers, rng=rng)
    before = 0.0
    for piece in pieces:
        for part in _cut(piece):
            within = counts.until(before + part.requests) - before
            before += part.requests
            if within.size:
                yield _instants(part, within)


class _Counts:
    """The worker's arrivals on the axis of the expected count of all workers together."""

    def __init__(
        self, arrivals: str, *, worker: int, workers: int, rng: np.random.Generator
    ) -> None:
        self._poisson = arrivals == "poisson"
        self._workers = workers
        self._rng = rng
        self._next = rng.exponential(workers) if self._poisson else float(worker)

    def until(self, end: float) -> NDArray[np.float64]:
        """All arrivals below `end` that were not given before."""
        found: list[NDArray[np.float64]] = []
        while self._next < end:
            if self._poisson:
                size = int((end - self._next) / self._workers * 1.1) + 8
                gaps = self._rng.exponential(self._workers, size)
            else:
                size = int((end - self._next) / self._workers) + 1
                gaps = np.full(size, float(self._workers))
            ahead = self._next + np.concatenate(([0.0], np.cumsum(gaps)))
            # The last one is the next block's, or this one's next round.
            inside = int(np.searchsorted(ahead, end, side="left"))
            found.append(ahead[:inside])
            if inside < ahead.size:
                self._next = float(ahead[inside])
                break
            found[-1] = ahead[:-1]
            self._next = float(ahead[-1])
        return np.concatenate(found) if found else np.empty(0)


def _cut(piece: Piece) -> Iterator[Piece]:
    parts = max(1, int(np.ceil(piece.for_s / BLOCK_S)))
    slope = (piece.to - piece.rate) / piece.for_s
    for number in range(parts):
        begin_s, end_s = piece.for_s * number / parts, piece.for_s * (number + 1) / parts
        yield Piece(
            start_s=piece.start_s + begin_s,
            for_s=end_s - begin_s,
            rate=piece.rate + slope * begin_s,
            to=piece.rate + slope * end_s,
        )


def _instants(piece: Piece, counts: NDArray[np.float64]) -> Offsets:
    # The root of r·t + s·t²/2 = c in the form that does not cancel when the slope s is near 0.
    slope = (piece.to - piece.rate) / piece.for_s
    root = np.sqrt(np.maximum(piece.rate * piece.rate + 2 * slope * counts, 0.0))
    divisor = piece.rate + root
    within_s = np.divide(2 * counts, divisor, out=np.zeros_like(counts), where=divisor > 0)
    within_s = np.minimum(within_s, piece.for_s)
    return ((piece.start_s + within_s) * 1e9).astype(np.int64)
