"""The one home of google-re2: pattern sets and single patterns behind typed methods.

RE2 because its time is linear in the input whatever the pattern, and a user's pattern is input too.
"""

from collections.abc import Sequence
from typing import Protocol, cast

import re2  # pyright: ignore[reportMissingTypeStubs]  # the wheel ships none; the Protocols below stand in


class PatternFault(Exception):  # noqa: N818 - read as "the pattern's fault", said to its author
    """A pattern that RE2 does not take; the message says why."""


class _Set(Protocol):
    def Add(self, pattern: bytes) -> int: ...  # noqa: N802 - RE2's name
    def Compile(self) -> None: ...  # noqa: N802 - RE2's name
    def Match(self, text: bytes) -> Sequence[int] | None: ...  # noqa: N802 - RE2's name


class _Match(Protocol):
    def start(self) -> int: ...
    def end(self) -> int: ...


class _Regexp(Protocol):
    def search(self, text: bytes, pos: int = 0) -> _Match | None: ...


class _Options(Protocol):
    encoding: object
    log_errors: bool


class _Encoding(Protocol):
    LATIN1: object


class _OptionsType(Protocol):
    Encoding: _Encoding

    def __call__(self) -> _Options: ...


class _SetType(Protocol):
    def SearchSet(self, options: _Options) -> _Set: ...  # noqa: N802 - RE2's name


class _Re2(Protocol):
    """What we use of the untyped module."""

    error: type[Exception]
    Options: _OptionsType
    Set: _SetType

    def compile(self, pattern: bytes, options: _Options) -> _Regexp: ...


_re2 = cast("_Re2", re2)


def _options(*, utf8: bool) -> _Options:
    options = _re2.Options()
    options.log_errors = False
    if not utf8:
        options.encoding = _re2.Options.Encoding.LATIN1
    return options


class PatternSet:
    """Patterns searched together in one pass; `utf8` decides whether `.` is a character or a byte."""

    def __init__(self, patterns: Sequence[bytes], *, utf8: bool) -> None:
        """Raises `PatternFault`."""
        self._set = _re2.Set.SearchSet(_options(utf8=utf8))
        try:
            for pattern in patterns:
                self._set.Add(pattern)
            self._set.Compile()
        except _re2.error as error:
            raise PatternFault(str(error)) from error

    def match(self, text: bytes) -> Sequence[int]:
        """The indexes of the patterns found anywhere in `text`."""
        return self._set.Match(text) or ()


class Pattern:
    """One pattern, for finding where it matches."""

    def __init__(self, pattern: bytes, *, utf8: bool) -> None:
        """Raises `PatternFault`."""
        try:
            self._regexp = _re2.compile(pattern, _options(utf8=utf8))
        except _re2.error as error:
            reason = error.args[0] if error.args else ""
            raise PatternFault(
                reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
            ) from error

    def span(self, text: bytes, start: int = 0) -> tuple[int, int] | None:
        """The leftmost match at or after `start`."""
        found = self._regexp.search(text, start)
        return None if found is None else (found.start(), found.end())
