"""The data files of a plan: feeds (CSV with a header, or values in the plan) and recorded rates.

Pure: bytes in, rows out. A value goes onto the wire as it stands, so what could end a line is refused.
"""

import csv
import math
from collections.abc import Iterator, Sequence

import msgspec

from loadtest.drive.profile import TracePoint
from policy.problems import PolicyError, Problem

ROWS_MAX = 1_000_000
"""A feed is held in the memory of every worker."""


class FeedRows(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one feed as they go onto the wire; `columns` gives the index of each name."""

    columns: dict[str, int]
    rows: tuple[tuple[bytes, ...], ...]
    random: bool


def from_values(values: Sequence[str], *, random: bool) -> FeedRows:
    """A feed of one column without a name."""
    return FeedRows(columns={}, rows=tuple((value.encode(),) for value in values), random=random)


def from_csv(data: bytes, source: str, *, random: bool) -> FeedRows:
    """A feed of a CSV file with a header line. Raises `PolicyError` naming file and line."""
    lines = list(_lines(data, source))
    if len(lines) < 2:
        raise _wrong(source, 1, "has no rows", expected="a header line and at least one row",
                     fix="add rows")  # fmt: skip
    header = lines[0][1]
    if len(set(header)) != len(header) or not all(header):
        raise _wrong(source, 1, "a column has no name, or two have the same",
                     expected="a name for each column", fix="correct the header")  # fmt: skip
    rows: list[tuple[bytes, ...]] = []
    for line, row in lines[1:]:
        if len(row) != len(header):
            raise _wrong(source, line, f"has {len(row)} values", expected=f"{len(header)}, as the header",
                         fix="add or remove values")  # fmt: skip
        if bad := next((value for value in row if not clean(value)), None):
            raise _wrong(source, line, f"a value of {len(bad)} characters has a control character",
                         expected="text without line ends", fix="remove it")  # fmt: skip
        rows.append(tuple(value.encode() for value in row))
    return FeedRows(
        columns={name: at for at, name in enumerate(header)}, rows=tuple(rows), random=random
    )


def trace_of(data: bytes, source: str) -> tuple[TracePoint, ...]:
    """The points of a `second,rate` file; a header line is allowed. Raises `PolicyError`."""
    points: list[TracePoint] = []
    for line, row in _lines(data, source):
        try:
            second, rate = (float(value) for value in row)
        except ValueError:
            if line == 1:
                continue
            raise _wrong(source, line, "is no point", expected="second,rate", fix="write two numbers") from None  # fmt: skip
        if not (math.isfinite(second) and math.isfinite(rate) and rate >= 0):
            raise _wrong(source, line, "is out of range", expected="a finite second and a rate of 0 or more",
                         fix="correct it")  # fmt: skip
        if points and second <= points[-1][0]:
            raise _wrong(source, line, "goes back in time", expected=f"a second after {points[-1][0]:g}",
                         fix="sort the file")  # fmt: skip
        points.append((second, rate))
    if not points:
        raise _wrong(source, 1, "has no points", expected="lines of second,rate", fix="write them")
    return tuple(points)


def clean(value: str) -> bool:
    """Whether a value may stand in a header or body line."""
    return not any(ord(char) < 32 or ord(char) == 127 for char in value)


def _lines(data: bytes, source: str) -> Iterator[tuple[int, list[str]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _wrong(source, line, "is not UTF-8 text", expected="a CSV file in UTF-8",
                     fix="save it as UTF-8") from error  # fmt: skip
    reader = csv.reader(text.splitlines())
    for count, row in enumerate(reader):
        if count > ROWS_MAX:
            raise _wrong(source, reader.line_num, "is too long", expected=f"at most {ROWS_MAX:,} rows",
                         fix="shorten it")  # fmt: skip
        if row:
            yield reader.line_num, row


def _wrong(source: str, line: int, message: str, *, expected: str, fix: str) -> PolicyError:
    return PolicyError(
        [
            Problem(
                file=source, line=line, column=1, path="", message=message, expected=expected,
                fix=fix,
            )
        ]
    )  # fmt: skip
