"""What happened in each second to each kind of request, by intended time.

Pure. A second is written when nothing intended in it can still end; until then it is counted here.
"""

from collections.abc import Callable, Iterator, Sequence

from contracts.drive import LoadCell
from contracts.load import Outcome
from loadtest.drive.histogram import Latencies


class Cell:
    """One second of one kind; the driver counts into it directly, once per request."""

    __slots__ = ("failed", "late", "latencies_us", "ok", "sent", "shed", "unknown", "waited")

    def __init__(self) -> None:
        self.sent = self.ok = self.failed = self.shed = self.unknown = self.late = self.waited = 0
        self.latencies_us: list[int] = []

    def count(self, outcome: Outcome) -> None:
        """One more request that ended so."""
        match outcome:
            case "ok":
                self.ok += 1
            case "failed":
                self.failed += 1
            case "shed":
                self.shed += 1
            case "unknown":
                self.unknown += 1

    @property
    def open(self) -> int:
        """How many of its requests have not ended."""
        return self.sent - self.ok - self.failed - self.shed - self.unknown


class Seconds:
    """The cells of the seconds that are not written yet."""

    def __init__(self, kinds: Sequence[str], write: Callable[[LoadCell], None]) -> None:
        self._kinds = tuple(kinds)
        self._write = write
        self._latencies = Latencies()
        self._rows: dict[int, list[Cell]] = {}

    def row(self, second: int) -> list[Cell]:
        """The cells of `second`, one per kind in the order given."""
        found = self._rows.get(second)
        if found is None:
            found = self._rows[second] = [Cell() for _ in self._kinds]
        return found

    def write_until(self, second: int) -> None:
        """Write what is complete in the seconds before `second`; what has open requests stays."""
        for at in sorted(self._rows):
            if at >= second:
                return
            if not any(cell.open for cell in self._rows[at]):
                self._write_row(at)

    def write_all(self) -> None:
        """Write everything, complete or not."""
        for at in sorted(self._rows):
            self._write_row(at)

    def _write_row(self, second: int) -> None:
        for line in self._lines(second, self._rows.pop(second)):
            self._write(line)

    def _lines(self, second: int, row: list[Cell]) -> Iterator[LoadCell]:
        for kind, cell in zip(self._kinds, row, strict=True):
            if cell.sent:
                self._latencies.reset()
                self._latencies.record(cell.latencies_us)
                histogram = self._latencies.encode() if cell.latencies_us else ""
                yield LoadCell(
                    second, kind, cell.sent, cell.ok, cell.failed, cell.shed, cell.unknown,
                    cell.late, histogram, cell.waited,
                )  # fmt: skip
