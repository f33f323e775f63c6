"""The tap of one relay: every byte of every connection, both ways, searched for the armed canaries.

Pure: it is fed bytes and asked for what it saw. An error inside is counted, and a run with any is INVALID.
"""

from collections.abc import Callable, Iterable

from contracts.tap import Canary, TapHit
from local.tap_match import Matcher
from local.tap_stream import Stream

HITS_MAX = 100_000
"""One canary seen is NO-GO; more are kept only to show where."""


class Tap:
    """What one relay saw since it was last armed."""

    def __init__(self, *, on_error: Callable[[Exception], None]) -> None:
        self.generation = 0
        self.armed = False
        self.matcher = Matcher(())
        self._on_error = on_error
        self._reset()

    def _reset(self) -> None:
        self.hits: dict[tuple[int, str], str] = {}
        self.beacons: set[bytes] = set()
        self.bytes_up = 0
        self.bytes_down = 0
        self.errors = 0

    def arm(self, canaries: Iterable[Canary]) -> None:
        """Look for these from now on; hits, beacons and counts start at zero. Raises `ValueError`."""
        self.matcher = Matcher(canaries)
        self.generation += 1
        self.armed = True
        self._reset()

    def open(self, listener: str) -> "ConnectionTap":
        """The tap of a new connection through `listener`."""
        return ConnectionTap(self, listener)

    def stream(self, listener: str) -> Stream:
        """A stream of the armed generation."""

        def found(canary: int, view: str) -> None:
            if len(self.hits) < HITS_MAX:
                self.hits.setdefault((canary, listener), view)

        return Stream(self.matcher, found=found, beacon=self.beacons.add)

    def search_alone(self, listener: str, data: bytes) -> None:
        """Bytes that belong to no stream, or whose place in it is not known."""
        if not self.armed:
            return
        try:
            self.stream(listener).feed(data)
        except Exception as error:  # noqa: BLE001 - whatever it was, these bytes were not searched
            self.count_error(error)

    def report_hits(self) -> tuple[TapHit, ...]:
        """Each canary seen, once per listener, with the first view that showed it."""
        return tuple(
            TapHit(canary=canary, view=view, listener=listener)
            for (canary, listener), view in sorted(self.hits.items())
        )

    def count_error(self, error: Exception) -> None:
        """Bytes went by unsearched."""
        self.errors += 1
        self._on_error(error)


class ConnectionTap:
    """Both directions of one connection."""

    def __init__(self, tap: Tap, listener: str) -> None:
        self._tap = tap
        self._listener = listener
        self._renew()

    def _renew(self) -> None:
        self._generation = self._tap.generation
        self._up = self._tap.stream(self._listener)
        self._down = self._tap.stream(self._listener)

    def up(self, data: bytes) -> None:
        """Bytes from the client towards the target."""
        if self._current():
            self._tap.bytes_up += len(data)
            self._feed(self._up, data)

    def down(self, data: bytes) -> None:
        """Bytes from the target towards the client."""
        if self._current():
            self._tap.bytes_down += len(data)
            self._feed(self._down, data)

    def _current(self) -> bool:
        if self._generation != self._tap.generation:
            self._renew()
        return self._tap.armed

    def _feed(self, stream: Stream, data: bytes) -> None:
        try:
            stream.feed(data)
        except Exception as error:  # noqa: BLE001 - whatever it was, these bytes were not searched
            self._tap.count_error(error)
