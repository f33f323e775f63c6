"""HdrHistograms of microseconds: filled in bulk, written as one line of text, added up again.

Pure. 1 microsecond to 10 minutes with 3 significant digits: any value read back is within 0.1 % of one recorded.
The counts stand in numpy, in the library's own order of buckets; the library reads and writes the V2 format.
"""

import functools
from collections.abc import Iterable, Sequence
from typing import Protocol, cast

import numpy as np
from hdrh.histogram import HdrHistogram  # pyright: ignore[reportMissingTypeStubs]  # untyped
from numpy.typing import NDArray

LOWEST_US = 1
HIGHEST_US = 600_000_000
DIGITS = 3

Counts = NDArray[np.int64]


class _Hdr(Protocol):
    """The part of the untyped library that is used here."""

    counts: memoryview
    counts_len: int
    total_count: int
    max_value: int

    def get_value_from_index(self, index: int) -> int: ...
    def encode(self) -> bytes: ...
    def decode_and_add(self, encoded: bytes) -> object: ...


def _empty() -> _Hdr:
    return cast("_Hdr", HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS))


def _counts_of(hdr: _Hdr) -> Counts:
    """The library's own counts, shared."""
    return np.frombuffer(hdr.counts, dtype=np.int64)


@functools.cache
def _lowest() -> Counts:
    """The lowest value of each bucket, ascending."""
    hdr = _empty()
    return np.array([hdr.get_value_from_index(index) for index in range(hdr.counts_len)])


@functools.cache
def _highest() -> Counts:
    """The highest value of each bucket: below the next one's lowest."""
    lowest = _lowest()
    return np.append(lowest[1:] - 1, lowest[-1])


@functools.cache
def _middle() -> NDArray[np.float64]:
    """The middle of each bucket."""
    return (_lowest() + _highest()) / 2


class Latencies:
    """A distribution of latencies in microseconds."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: Counts = np.zeros(_lowest().size, dtype=np.int64)

    def record(self, values_us: Sequence[int]) -> None:
        """Add values, each bounded to the histogram's range."""
        if values_us:
            bounded = np.clip(np.asarray(values_us, dtype=np.int64), LOWEST_US, HIGHEST_US)
            places = np.searchsorted(_lowest(), bounded, side="right") - 1
            self.counts += np.bincount(places, minlength=self.counts.size)

    def add(self, other: "Latencies") -> None:
        """Add all of `other`."""
        self.counts += other.counts

    def decode(self, text: str) -> None:
        """Add what `encode` wrote. Raises `ValueError` when it is not that."""
        hdr = _empty()
        try:
            hdr.decode_and_add(text.encode())
        except Exception as error:  # the library raises many kinds, base64 and zlib ones too
            raise ValueError(f"not a histogram: {type(error).__name__}") from error
        self.counts += _counts_of(hdr)

    def encode(self) -> str:
        """One line of base64 (HdrHistogram V2, compressed)."""
        hdr = _empty()
        filled = np.flatnonzero(self.counts)
        if filled.size:
            _counts_of(hdr)[:] = self.counts
            hdr.total_count = self.count
            hdr.max_value = int(_highest()[filled[-1]])
        return hdr.encode().decode()

    def reset(self) -> None:
        """Forget everything."""
        self.counts[:] = 0

    @property
    def count(self) -> int:
        """How many values."""
        return int(self.counts.sum())

    def quantile_ms(self, share: float) -> float:
        """The nearest-rank quantile in milliseconds, as `figures.quantile` has it for lists; 0 for none."""
        ends = np.cumsum(self.counts)
        if not (count := int(ends[-1])):
            return 0.0
        rank = min(max(-int(-share * count // 1), 1), count)
        return float(_highest()[int(np.searchsorted(ends, rank))]) / 1000

    @property
    def mean_ms(self) -> float:
        """The mean in milliseconds, 0 for none."""
        count = self.count
        return float(np.dot(self.counts, _middle())) / count / 1000 if count else 0.0

    @property
    def max_ms(self) -> float:
        """The largest value in milliseconds, 0 for none."""
        filled = np.flatnonzero(self.counts)
        return float(_highest()[filled[-1]]) / 1000 if filled.size else 0.0


def sum_of(parts: Iterable[Latencies]) -> Latencies:
    """All values of all parts."""
    total = Latencies()
    for part in parts:
        total.add(part)
    return total
