"""A container's log on disk: marked as it grows, cut when it is too long, read from a place on.

`log` is written by the container itself in append mode; `times`, beside it, by the agent alone.
"""

import contextlib
from pathlib import Path

from local.agent_log import (
    MARK,
    MARKS_MAX,
    Mark,
    Times,
    read_marks,
    shifted,
    thinned,
    write_marks,
)

LOG_BYTES_MAX, LOG_BYTES_KEPT = 32 << 20, 4 << 20
"""A log over the first is cut to the last of the second; lines written meanwhile may be lost."""


class Marker:
    """Marks the logs of one pod; remembers what it saw, so that a log that rests costs one look at its size."""

    def __init__(self) -> None:
        self._sizes: dict[Path, int] = {}

    def mark(self, record: Path) -> None:
        """Note how far the log of one start has grown, if it has."""
        log = record / "log"
        with contextlib.suppress(OSError):
            found = log.stat()
            if found.st_size == self._sizes.get(log):
                return
            _append(record / "times", Mark(found.st_size, found.st_mtime_ns))
            self._sizes[log] = found.st_size


def _append(path: Path, mark: Mark) -> None:
    marks = read_marks(path.read_bytes()) if path.exists() and _is_full(path) else None
    if marks is not None:
        path.write_bytes(write_marks(thinned(marks)))
    with path.open("ab") as file:
        if file.tell() % MARK.size:  # an agent that was killed while it wrote
            file.truncate(file.tell() - file.tell() % MARK.size)
        if _last_size(path) < mark.size:
            file.write(MARK.pack(*mark))


def _is_full(path: Path) -> bool:
    return path.stat().st_size >= MARKS_MAX * MARK.size


def _last_size(path: Path) -> int:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MARK.size))
        last = read_marks(file.read())
    return last[-1].size if last else 0


def read_times(log: Path) -> Times:
    """The times of a log; without marks every line is as old as the last one."""
    data = b""
    with contextlib.suppress(OSError):
        data = log.with_name("times").read_bytes()
    last_ns = 0
    with contextlib.suppress(OSError):
        last_ns = log.stat().st_mtime_ns
    return Times(read_marks(data), last_ns=last_ns)


def read_log(log: Path, position: int) -> tuple[bytes, int]:
    """What is there from `position` on, and where that begins: at 0 when the log was cut meanwhile."""
    try:
        with log.open("rb") as file:
            start = position if log.stat().st_size >= position else 0
            file.seek(start)
            return file.read(), start
    except OSError:
        return b"", position


def trim_log(record: Path) -> bool:
    """Bound the log of a container that never ends; it is written in append mode, so it can be cut. Whether it was."""
    log, times = record / "log", record / "times"
    with contextlib.suppress(OSError):
        size = log.stat().st_size
        if size <= LOG_BYTES_MAX:
            return False
        with log.open("r+b") as file:
            file.seek(size - LOG_BYTES_KEPT)
            kept = file.read()
            file.truncate(0)
            file.seek(0)
            file.write(kept)
        if times.exists():
            marks = shifted(read_marks(times.read_bytes()), size - LOG_BYTES_KEPT)
            times.write_bytes(write_marks(marks))
        return True
    return False
