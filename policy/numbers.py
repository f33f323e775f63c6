"""Numbers as people write them: digit groups with a separator between, and what looks like one but is not.

A number starts and ends where a group does, so it never begins inside a longer one: a 13-digit epoch is not
a phone. Version numbers, clock times, decimals and hexadecimal ids are told apart by shape, not by place.
"""

import re
from collections.abc import Callable, Iterator

from policy.model import Model

SEPARATOR = rb"[ .+\-]?"
"""At most one between digits: space, dot, dash, or `+`, which is a space in a form or a query.

More than one are first gathered into one: suspects that allow three each cost 400 times as much to search
in hostile text, since the automaton then meets a new state at every byte (measured).
"""
_GAP = rb"(?:[ .+\-()_/\t]{2,4}|[()_/\t])"
SPREAD = rb"[0-9]" + _GAP + rb"[0-9]"
"""Several separators between digits, or a rarer one, as in `138 - 0013`, `(138)0013`, `138_0013`, `138/0013`:
the cheap sign that gathering may matter."""
_GAPS = 10
SPREAD_RUN = b"|".join(
    rb"[0-9](?:[ .+\-]?[0-9]){%d}%b[0-9](?:[ .+\-()_/\t]{0,4}[0-9]){%d}" % (n, _GAP, _GAPS - 1 - n)
    for n in range(_GAPS)
)
"""The same within a run of eleven digits, the shortest number looked for."""
_SPREAD_GAP = re.compile(rb"(?<=[0-9])" + _GAP + rb"(?=[0-9Xx])")
DIGITS_MIN, DIGITS_MAX = 11, 19
WINDOWS_MAX = 1024
"""Group sequences examined in one text (about 5 ms); text more crowded with suspects is not understood."""

_RUN = re.compile(rb"[0-9]+(?:[ .+\-][0-9]+)*(?:[ .+\-]?[Xx](?![0-9]))?")
_GROUP = re.compile(rb"[0-9]+|[Xx]")
_CLOCK_BEFORE = re.compile(rb"[0-9](?::|%3[Aa])[0-9]{2}(?::|%3[Aa])$")
_ANALYTICS_BEFORE = re.compile(rb"GA[0-9]\.[0-9]\.$")


class Crowded(Exception):  # noqa: N818 - a finding about the text, not a fault of the program
    """More digit groups than can be examined in bounded time."""


class Number(Model, frozen=True, kw_only=True):
    """Whole groups of `text` that together may be one number, from `start` to `end`."""

    text: bytes
    start: int
    end: int
    digits: bytes
    groups: tuple[int, ...]

    @property
    def dotted(self) -> bool:
        """Whether every separator is a single dot."""
        between = self.text[self.start : self.end].translate(None, b"0123456789Xx")
        return len(self.groups) > 1 and between == b"." * (len(self.groups) - 1)

    @property
    def is_version(self) -> bool:
        """Four dotted groups, as `131.0.6778.204` or an IPv4 address; `86.138.…` is a country code."""
        return (
            self.dotted and len(self.groups) == 4 and not self.digits.startswith((b"86", b"0086"))
        )

    @property
    def is_epoch(self) -> bool:
        """Ten digits, a dot and one more: seconds with a tenth."""
        return self.dotted and self.groups == (10, 1)

    @property
    def is_fraction(self) -> bool:
        """The digits after `0.`, as of a random number between 0 and 1."""
        before = self.text[max(0, self.start - 3) : self.start]
        return before[-2:] == b"0." and not before[:-2].isdigit()

    @property
    def is_clock(self) -> bool:
        """Seconds and their fraction after `HH:MM:`."""
        return self.groups[0] == 2 and self._follows(_CLOCK_BEFORE, 9)

    @property
    def is_analytics(self) -> bool:
        """A visitor number and the second of the first visit, in a `_ga` cookie."""
        return len(self.groups) == 2 and self.dotted and self._follows(_ANALYTICS_BEFORE, 6)

    @property
    def is_chance(self) -> bool:
        """Its first or last group stands in a UUID, a trace id or a digest, where digits are chance."""
        return inside_id(self.text, self.start, self.start + self.groups[0]) or (
            len(self.groups) > 1 and inside_id(self.text, self.end - self.groups[-1], self.end)
        )

    def _follows(self, pattern: re.Pattern[bytes], reach: int) -> bool:
        return pattern.search(self.text, max(0, self.start - reach), self.start) is not None


def gather(text: bytes) -> bytes:
    """`text` with one dash for every run of separators, or rarer one, inside a number."""
    return _SPREAD_GAP.sub(b"-", text)


Locate = Callable[[bytes, int], tuple[int, int] | None]
"""Where the next suspect stands, at or after an index."""


def find_number(
    text: bytes,
    locate: Locate,
    *,
    check: Callable[[bytes], bool],
    but_not: Callable[[Number], bool],
) -> bool:
    """Whether a suspect of `text` has digits that pass `check` and no shape that excuses it.

    Raises `Crowded`.
    """
    return any(check(number.digits) and not but_not(number) for number in _numbers(text, locate))


def _numbers(text: bytes, locate: Locate) -> Iterator[Number]:
    """Every number in every run of digits that holds a suspect; a run is looked at once."""
    windows = at = 0
    while span := locate(text, at):
        start = span[0] + 1
        while start > at and text[start - 1] in _RUN_BYTES:
            start -= 1
        run = _RUN.search(text, start)
        if run is None:
            return
        groups = [found.span() for found in _GROUP.finditer(text, run.start(), run.end())]
        for first in range(len(groups)):
            for number in _from_group(text, groups, first):
                windows += 1
                if windows > WINDOWS_MAX:
                    raise Crowded
                yield number
        # The byte after a run is no digit, so it can be the edge before the next suspect.
        at = run.end()


_RUN_BYTES = frozenset(b"0123456789 .+-")


def _from_group(text: bytes, spans: list[tuple[int, int]], first: int) -> Iterator[Number]:
    start, digits, lengths = spans[first][0], b"", list[int]()
    for left, right in spans[first : first + DIGITS_MAX]:
        digits += text[left:right]
        lengths.append(right - left)
        if len(digits) > DIGITS_MAX:
            return
        if len(digits) >= DIGITS_MIN:
            yield Number(text=text, start=start, end=right, digits=digits, groups=tuple(lengths))


_ID = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    rb"|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
    rb"|[0-9a-f]{32}-[0-9a-f]{16}(?:-[0-9a-f])?"
    rb"|[0-9a-f]+",
    re.IGNORECASE,
)
"""UUID, W3C traceparent, B3 single header, or one hexadecimal token."""
_ID_BYTES_MAX = 128
_TOKEN_LENGTHS = frozenset({24, 32, 40, 48, 56, 64, 96, _ID_BYTES_MAX})
"""ObjectId and the digests in use; 16 is missing on purpose: five letters before a phone number fill it."""
_LETTERS_MIN = 4


def inside_id(text: bytes, start: int, end: int) -> bool:
    """Whether the span lies inside a hexadecimal id."""
    left = start
    while left > max(0, start - _ID_BYTES_MAX) and _in_word(text[left - 1 : left]):
        left -= 1
    if text[left - 1 : left] == b"%":
        left += 2  # the two digits of an escape are not part of what follows it
    for found in _ID.finditer(text, left, end + _ID_BYTES_MAX):
        if found.start() > start:
            return False
        if found.end() >= end and _is_id(text, found):
            return True
    return False


def _in_word(char: bytes) -> bool:
    return char.isalnum() or char == b"-"


def _is_id(text: bytes, found: re.Match[bytes]) -> bool:
    token = found[0]
    before = text[max(0, found.start() - 3) : found.start()]
    after = text[found.end() : found.end() + 1]
    if (before[-1:].isalnum() and before[:1] != b"%") or after.isalnum():
        return False
    if b"-" in token:
        return True
    letters = len(token) - len(token.translate(None, b"abcdefABCDEF"))
    return len(token) in _TOKEN_LENGTHS and letters >= _LETTERS_MIN
