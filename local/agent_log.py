"""When each line of a container's log was written, and which lines a reader asked for. Pure.

A container writes straight into its file: nobody stands between who could slow it down, or be away. Instead the
agent looks at the file several times a second and marks how far it had grown and when it was last written to. A line
is given the time of the first mark after its beginning: exact when lines are sparse, else as late as one look (0.2 s).
"""

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

MARK = struct.Struct(">QQ")
MARKS_MAX = 1 << 16
"""One MiB of them; above, every second one goes: times get coarser, none is lost."""
NANO = 1_000_000_000


class Mark(NamedTuple):
    """The log had this many bytes, the last of them written at `at_ns`."""

    size: int
    at_ns: int


def read_marks(data: bytes) -> tuple[Mark, ...]:
    """Marks as they are on disk; a last one that is half written counts as none."""
    whole = data[: len(data) - len(data) % MARK.size]
    return tuple(Mark(*it) for it in MARK.iter_unpack(whole))


def write_marks(marks: Iterable[Mark]) -> bytes:
    """Marks as they go to disk."""
    return b"".join(MARK.pack(*it) for it in marks)


def thinned(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """Half of them, the last kept: a line then gets the time of a later one."""
    return marks[(len(marks) + 1) % 2 :: 2]


def shifted(marks: Iterable[Mark], cut_bytes: int) -> tuple[Mark, ...]:
    """The marks of a log whose first bytes were cut off."""
    return tuple(Mark(size - cut_bytes, at) for size, at in marks if size > cut_bytes)


class Times:
    """The time of any place in a log; what is beyond the last mark was written at `last_ns`."""

    def __init__(self, marks: tuple[Mark, ...], *, last_ns: int) -> None:
        self._marks, self._last_ns = marks, last_ns

    def at(self, offset: int) -> int:
        """When the byte at `offset` was written, in nanoseconds since the epoch."""
        place = bisect_right(self._marks, offset, key=lambda it: it.size)
        return self._marks[place].at_ns if place < len(self._marks) else self._last_ns


class LogQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The query of /containerLogs."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since_seconds: int | None = None
    since_time: datetime | None = None


def parse_query(query: dict[str, str]) -> LogQuery:
    """The query as the API server writes it. Raises `ValueError`."""
    return msgspec.convert(query, LogQuery, strict=False)


def since_ns(query: LogQuery, now_s: float) -> int:
    """Lines older than this are not asked for; 0 is all."""
    if query.since_time is not None:
        return int(query.since_time.timestamp() * NANO)
    return 0 if query.since_seconds is None else int((now_s - query.since_seconds) * NANO)


class Line(NamedTuple):
    """One line, its end included if it has one."""

    start: int
    text: bytes


def lines_of(data: bytes, start: int) -> Iterator[Line]:
    """The lines of a piece of the log that begins at `start`; the last may have no end yet."""
    end = start + len(data)
    for text in data.split(b"\n"):
        whole = text + b"\n" if start + len(text) < end else text
        if whole:
            yield Line(start, whole)
        start += len(whole)


def chosen(lines: Iterable[Line], times: Times, *, query: LogQuery, since: int) -> list[Line]:
    """Those young enough, the last so many of them."""
    young = [it for it in lines if not since or times.at(it.start) >= since]
    return young if query.tail_lines is None else young[max(0, len(young) - query.tail_lines) :]


class Teller:
    """Lines as they are sent, with their times if asked for; a line may come in pieces."""

    def __init__(self, query: LogQuery) -> None:
        self._stamped = query.timestamps
        self._left_bytes = query.limit_bytes
        self._begun = False

    @property
    def is_full(self) -> bool:
        """Whether no more was asked for."""
        return self._left_bytes == 0

    def tell(self, lines: Iterable[Line], times: Times) -> bytes:
        """What to send of these."""
        out = bytearray()
        for start, text in lines:
            if self._stamped and not self._begun:
                out += f"{stamp(times.at(start))} ".encode()
            out += text
            self._begun = not text.endswith(b"\n")
        if self._left_bytes is not None:
            del out[self._left_bytes :]
            self._left_bytes -= len(out)
        return bytes(out)


def stamp(at_ns: int) -> str:
    """RFC 3339 with nanoseconds, as a container runtime writes it."""
    whole = datetime.fromtimestamp(at_ns // NANO, tz=UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{at_ns % NANO:09}Z"
