"""HdrHistograms of microseconds: filled in bulk, written as one line of text, added up again.

Pure. 1 microsecond to 10 minutes with 3 significant digits: any value read back is within 0.1 % of one recorded.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, cast

import numpy as np
from hdrh.histogram import HdrHistogram  # pyright: ignore[reportMissingTypeStubs]  # untyped

LOWEST_US = 1
HIGHEST_US = 600_000_000
DIGITS = 3


class _Hdr(Protocol):
    """The part of the untyped library that is used here."""

    def record_value(self, value: int, count: int = 1) -> bool: ...
    def get_value_at_percentile(self, percentile: float) -> float: ...
    def get_mean_value(self) -> float: ...
    def get_max_value(self) -> float: ...
    def get_total_count(self) -> int: ...
    def encode(self) -> bytes: ...
    def decode_and_add(self, encoded: bytes) -> object: ...
    def add(self, other: object) -> object: ...
    def reset(self) -> None: ...


class Latencies:
    """A distribution of latencies in microseconds."""

    def __init__(self) -> None:
        self._hdr = cast("_Hdr", HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS))

    def record(self, values_us: Sequence[int]) -> None:
        """Add values, each bounded to the histogram's range."""
        if not values_us:
            return
        bounded = np.clip(np.asarray(values_us, dtype=np.int64), LOWEST_US, HIGHEST_US)
        values, counts = np.unique(bounded, return_counts=True)
        for value, count in zip(
            cast("list[int]", values.tolist()), cast("list[int]", counts.tolist()), strict=True
        ):
            self._hdr.record_value(value, count)

    def add(self, other: "Latencies") -> None:
        """Add all of `other`."""
        if other.count:
            self._hdr.add(other._hdr)  # noqa: SLF001  # another of the same class

    def decode(self, text: str) -> None:
        """Add what `encode` wrote. Raises `ValueError` when it is not that."""
        try:
            self._hdr.decode_and_add(text.encode())
        except Exception as error:  # the library raises many kinds, base64 and zlib ones too
            raise ValueError(f"not a histogram: {type(error).__name__}") from error

    def encode(self) -> str:
        """One line of base64 (HdrHistogram V2, compressed)."""
        return self._hdr.encode().decode()

    def reset(self) -> None:
        """Forget everything."""
        self._hdr.reset()

    @property
    def count(self) -> int:
        """How many values."""
        return self._hdr.get_total_count()

    def quantile_ms(self, share: float) -> float:
        """The nearest-rank quantile in milliseconds, as `figures.quantile` has it for lists; 0 for none."""
        if not (count := self.count):
            return 0.0
        # The library rounds a rank to the nearest, which for few values is another one.
        rank = min(max(-int(-share * count // 1), 1), count)
        return float(self._hdr.get_value_at_percentile(rank * 100 / count)) / 1000

    @property
    def mean_ms(self) -> float:
        """The mean in milliseconds, 0 for none."""
        return float(self._hdr.get_mean_value()) / 1000 if self.count else 0.0

    @property
    def max_ms(self) -> float:
        """The largest value in milliseconds, 0 for none."""
        return float(self._hdr.get_max_value()) / 1000 if self.count else 0.0


def sum_of(parts: Iterable[Latencies]) -> Latencies:
    """All values of all parts."""
    total = Latencies()
    for part in parts:
        total.add(part)
    return total
