"""One direction of a TCP connection put in order: segments as captured in, the bytes the receiver read out. Pure.

Three things make the result doubtful, and are told rather than guessed at: bytes that were acknowledged and never
seen (a gap), bytes sent twice with different contents (a conflict: which did the receiver keep?), more bytes out of
order than are kept. What comes too early or too late to be put in its place at once is also handed out by itself,
so that every captured byte is searched.
"""

import heapq
from typing import NamedTuple

HISTORY_BYTES = 1 << 13
"""Kept of what was read, to compare what is sent again; what is older is searched by itself instead."""
PENDING_BYTES_MAX = 32 << 20
"""The largest receive buffer Linux gives without being asked (tcp_rmem) is 6 to 32 MiB."""
_WRAP = 1 << 32


class Pieces(NamedTuple):
    """What came of a segment: bytes in order and out of order; `conflict`: they contradict earlier ones.

    `overflow`: it was too far ahead to be kept.
    """

    ordered: tuple[bytes, ...] = ()
    strays: tuple[bytes, ...] = ()
    conflict: bool = False
    overflow: bool = False


class Direction:
    """What one side sent; positions count bytes from the first one expected."""

    def __init__(self) -> None:
        self.known = False
        self.position = 0
        self.acked = 0
        self._start = 0
        self._end: int | None = None
        self._history = bytearray()
        self._pending: list[tuple[int, int, bytes]] = []
        self._pending_bytes = 0
        self._number = 0

    def begin(self, seq: int) -> None:
        """The next byte expected has this sequence number."""
        self.known = True
        self._start = seq

    def is_start(self, seq: int) -> bool:
        """Whether the direction began with this sequence number."""
        return self.known and seq == self._start

    def _place(self, seq: int) -> int:
        ahead = (seq - self._start - self.position) % _WRAP
        return self.position + (ahead - _WRAP if ahead >= _WRAP // 2 else ahead)

    def add(self, seq: int, data: bytes) -> Pieces:
        """The bytes of one segment. The first one ever begins the direction."""
        if not self.known:
            self.begin(seq)
        at = self._place(seq)
        if at == self.position and not self._pending:
            self._keep(data)
            return Pieces((data,))
        if at > self.position:
            return Pieces(strays=(data,), overflow=not self._wait(at, data))
        placed = self._place_at(at, data)
        more = self._due()
        conflict = placed.conflict or more.conflict
        return Pieces((*placed.ordered, *more.ordered), placed.strays, conflict)

    def _keep(self, data: bytes) -> None:
        self.position += len(data)
        history = self._history
        history += data
        if len(history) > 2 * HISTORY_BYTES:
            del history[:-HISTORY_BYTES]

    def _place_at(self, at: int, data: bytes) -> Pieces:
        """Bytes that begin at or before the position."""
        again, new = data[: self.position - at], data[self.position - at :]
        strays, conflict = self._compare(at, again) if again else ((), False)
        if not new:
            return Pieces((), strays, conflict)
        self._keep(new)
        return Pieces((new,), strays, conflict)

    def _compare(self, at: int, again: bytes) -> tuple[tuple[bytes, ...], bool]:
        first = self.position - len(self._history)
        lost = min(len(again), max(0, first - at))
        here = max(at, first) - first
        kept = bytes(self._history[here : here + len(again) - lost])
        if lost:
            return (again,), again[lost:] != kept
        return ((), False) if again == kept else ((again,), True)

    def _wait(self, at: int, data: bytes) -> bool:
        if self._pending_bytes + len(data) > PENDING_BYTES_MAX:
            return False
        self._number += 1
        self._pending_bytes += len(data)
        heapq.heappush(self._pending, (at, self._number, data))
        return True

    def _due(self) -> Pieces:
        """What was waiting for the position reached."""
        ordered: list[bytes] = []
        conflict = False
        while self._pending and self._pending[0][0] <= self.position:
            at, _, data = heapq.heappop(self._pending)
            self._pending_bytes -= len(data)
            # it was searched by itself when it came: strays of it are nothing new
            placed = self._place_at(at, data)
            ordered += placed.ordered
            conflict = conflict or placed.conflict
        return Pieces(tuple(ordered), (), conflict)

    def finish(self, seq: int) -> None:
        """The side sends no more after this sequence number: what is acknowledged beyond is no byte."""
        if self.known:
            self._end = self._place(seq)

    def acknowledge(self, ack: int) -> None:
        """The other side says it has everything before this sequence number."""
        if not self.known:
            self.begin(ack)
            return
        at = self._place(ack)
        if self._end is not None:
            at = min(at, self._end)
        self.acked = max(self.acked, at)

    @property
    def is_behind(self) -> bool:
        """Whether bytes were acknowledged that were not seen: they may still be on their way to us."""
        return self.acked > self.position

    def skip(self) -> Pieces:
        """Give up on the first bytes that are missing; what follows them, if anything, is handed out."""
        ahead = self._pending[0][0] if self._pending else self.acked
        self.position = min(self.acked, ahead)
        self._history.clear()
        return self._due()
