"""Bytes on their way in one direction of one connection: passed on at once, or later as the terms say, in order."""

import asyncio
from collections import deque
from collections.abc import Callable

from local.relay_rules import Shaper, Way, piece_bytes

LANE_BYTES_MAX = 1 << 16
"""More than this on its way and the sender is not read: what a socket's buffer would do."""


class Lane:
    """One direction. `write` takes bytes that are due; `on_level` is called when `is_full` may have changed."""

    def __init__(
        self,
        write: Callable[[bytes], None],
        on_level: Callable[[], None],
        *,
        shaper: Callable[[], Shaper],
    ) -> None:
        self.way = Way()
        self._write = write
        self._on_level = on_level
        self._make_shaper = shaper
        self._shaper: Shaper | None = None
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._held_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._then: Callable[[], None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether its sender should wait."""
        return self._held_bytes > LANE_BYTES_MAX

    def send(self, data: bytes) -> None:
        """Pass bytes on, now or when they are due."""
        if not self.way.slow and not self._waiting:
            self._write(data)
            return
        self._shaper = self._shaper or self._make_shaper()
        now_s = asyncio.get_running_loop().time()
        step = piece_bytes(self.way, len(data))
        for at in range(0, len(data), step):
            piece = data[at : at + step]
            due_s = self._shaper.due_s(self.way, len(piece), now_s=now_s)
            self._waiting.append((due_s, piece))
        self._held_bytes += len(data)
        self._arm()
        self._on_level()

    def finish(self, then: Callable[[], None]) -> None:
        """Call `then` when all that came before has left; a later call takes the place of an earlier one."""
        if self._waiting:
            self._then = then
        else:
            then()

    def abandon(self) -> None:
        """Forget what is on its way."""
        self._waiting.clear()
        self._held_bytes = 0
        self._then = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is None and self._waiting:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._waiting[0][0], self._leave)

    def _leave(self) -> None:
        self._timer = None
        now_s = asyncio.get_running_loop().time()
        due = bytearray()
        while self._waiting and self._waiting[0][0] <= now_s:
            due += self._waiting.popleft()[1]
        if due:
            self._held_bytes -= len(due)
            self._write(bytes(due))
        self._arm()
        if not self._waiting and self._then is not None:
            then, self._then = self._then, None
            then()
        self._on_level()
