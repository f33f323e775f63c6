"""Which armed canaries stand in a piece of bytes: one RE2 pass over short prefixes, then exact look-up.

Clean traffic never holds the prefixes of the canary ranges, so it costs the one pass; thousands of armed
values cost no more than a few, because they share prefixes.
"""

import importlib
from collections.abc import Iterable, Iterator
from typing import Protocol, cast

from contracts.tap import Canary

PREFIX_BYTES = 6
"""Long enough to be absent from clean traffic, short enough that thousands of values share a few dozen."""
MATCH_MEMORY_BYTES = 64 << 20
"""RE2's default of 8 MB thrashes on some hundreds of distinct prefixes."""


class _Match(Protocol):
    def start(self) -> int: ...


class _Pattern(Protocol):
    def search(self, text: bytes, pos: int) -> _Match | None: ...


class _Encoding(Protocol):
    LATIN1: object


class _Options(Protocol):
    max_mem: int
    encoding: object
    never_capture: bool


class _OptionsType(Protocol):
    Encoding: _Encoding

    def __call__(self) -> _Options: ...


class _Re2(Protocol):
    """The part of the untyped google-re2 that is used here."""

    Options: _OptionsType

    def compile(self, pattern: bytes, options: _Options) -> _Pattern: ...


re2 = cast("_Re2", importlib.import_module("re2"))


class Matcher:
    """The armed set; immutable once built."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self.armed = 0
        self.longest_bytes = 0
        self._needles: dict[bytes, int] = {}
        self._lengths: dict[bytes, tuple[int, ...]] = {}
        lengths: dict[bytes, set[int]] = {}
        for canary in canaries:
            self.armed += 1
            for needle in (canary.value.encode(), bytes.fromhex(canary.form_hex)):
                if len(needle) < PREFIX_BYTES:
                    raise ValueError(
                        f"canary {canary.id}: expected at least {PREFIX_BYTES} bytes, got {len(needle)}"
                    )
                self._needles.setdefault(needle, canary.id)
                lengths.setdefault(needle[:PREFIX_BYTES], set()).add(len(needle))
                self.longest_bytes = max(self.longest_bytes, len(needle))
        self._lengths = {prefix: tuple(sorted(found)) for prefix, found in lengths.items()}
        self._pattern = _alternation(self._lengths) if self._lengths else None

    def search(self, data: bytes) -> Iterator[int]:
        """The ids of canaries in `data`, in order of place; one id may come twice."""
        if self._pattern is None:
            return
        start = 0
        # `search` from the next byte rather than `finditer`: prefixes may overlap
        while (match := self._pattern.search(data, start)) is not None:
            start = match.start()
            prefix = data[start : start + PREFIX_BYTES]
            for length in self._lengths[prefix]:
                canary = self._needles.get(data[start : start + length])
                if canary is not None:
                    yield canary
            start += 1


def _alternation(prefixes: Iterable[bytes]) -> _Pattern:
    options = re2.Options()
    options.max_mem = MATCH_MEMORY_BYTES
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    return re2.compile(b"|".join(_literal(prefix) for prefix in sorted(prefixes)), options)


def _literal(data: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in data)
