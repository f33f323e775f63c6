"""The files a run writes, readable whatever ends it: whole lines, rows within 100 ms, order history at once."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from contracts.history import OrderEvent
from contracts.load import LoadSummary, RequestRow

FLUSH_S = 0.05
"""Rows wait this long at most; half of what is promised, so that one busy moment stays within it."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One second of a run as it goes: counts within that second."""

    second: int
    sent: int
    ok: int
    shed: int
    failed: int


class LineFile:
    """A file of JSON lines; a line is in the kernel's hands after `flush`, so a killed process loses none."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._encoder = msgspec.json.Encoder()
        self._lines: list[bytes] = []

    def add(self, row: msgspec.Struct) -> None:
        """Take a line into the buffer."""
        self._lines.append(self._encoder.encode(row))

    def write(self, row: msgspec.Struct) -> None:
        """Put a line out at once, with whatever waits before it."""
        self.add(row)
        self.flush()

    def flush(self) -> None:
        """Put out what waits, whole lines only."""
        if not self._lines:
            return
        self._lines.append(b"")
        data = b"\n".join(self._lines)
        self._lines.clear()
        while data:
            data = data[os.write(self._fd, data) :]

    def sync(self) -> None:
        """Put out what waits and wait until it is on the disk: a phase that ended survives a power cut."""
        self.flush()
        os.fsync(self._fd)

    def close(self) -> None:
        """Put out what waits and give the descriptor back."""
        try:
            self.flush()
        finally:
            os.close(self._fd)


class RunFiles:
    """`requests.ndjson`, `orders.ndjson`, `progress.ndjson` and at the end `summary.json` of one run."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.requests = LineFile(directory / "requests.ndjson")
        self.orders = LineFile(directory / "orders.ndjson")
        self.progress = LineFile(directory / "progress.ndjson")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self.requests, self.orders, self.progress):
            file.close()

    def finish(self, summary: LoadSummary) -> None:
        """Write the summary, last and atomically: where it stands, the rows are complete."""
        self.requests.flush()
        scratch = self._directory / "summary.json.tmp"
        scratch.write_bytes(msgspec.json.encode(summary))
        scratch.replace(self._directory / "summary.json")


Line = TypeVar("Line", bound=msgspec.Struct)


def read_lines(path: Path, kind: type[Line]) -> Iterator[Line]:
    """The lines of a file; a last line without its end (the writer was killed) is left out.

    Raises `ValueError` naming file and line when a whole line is no `kind`.
    """
    decoder = msgspec.json.Decoder(kind)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield decoder.decode(line)
            except msgspec.MsgspecError as error:
                raise ValueError(f"{path}:{number}: {error}, expected {kind.__name__}") from error


def read_rows(directory: Path) -> list[RequestRow]:
    """All request rows of a run's directory."""
    return list(read_lines(directory / "requests.ndjson", RequestRow))


def read_history(directory: Path) -> Iterator[OrderEvent]:
    """The order history of a run's directory."""
    return read_lines(directory / "orders.ndjson", OrderEvent)
