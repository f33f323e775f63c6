"""One connection through a relay: two transports, bytes passed on as they come, ends passed on as they are.

An end of file is passed on as one, a reset as a reset, an unreachable target as a reset at once: the client
must learn what it would learn without the relay, and when. Only a cut hides both sides from each other.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

from local.relay_lane import Lane
from local.relay_rules import WHOLE, Shaper, Terms
from local.tap import ConnectionTap

LINGER_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on with 0 seconds: closing sends RST instead of FIN."""
WRITE_HIGH_BYTES = 1 << 18
"""A side that reads slower than this much is waited for."""


class Half(asyncio.Protocol):
    """One side of a pipe."""

    def __init__(self, pipe: "Pipe", tap: Callable[[bytes], None]) -> None:
        self.pipe = pipe
        self.tap = tap
        self.transport: asyncio.Transport | None = None
        self.other: Half | None = None
        self.held = bytearray()
        self.ended = False
        self.end_sent = False
        self.full = False
        self.lane = Lane(self._pass_on, pipe.set_reading, shaper=pipe.shaper)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Small writes leave at once; how much may wait is bounded."""
        # uvloop's TCP transport has the methods of asyncio.Transport but is no subclass of it
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES)
        raw: socket.socket | None = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pipe.on_made(self)

    def data_received(self, data: bytes) -> None:
        """Bytes pass the tap, then go on, or wait for the other side to be there."""
        self.tap(data)
        if self.other is None or self.lane.way.hole:
            # uvloop starts to read only after connection_made, so pausing before that does not hold
            self.held += data
            self.pipe.set_reading()
        else:
            self.lane.send(data)

    def _pass_on(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """This side sends no more; the transport stays open for the other direction."""
        self.ended = True
        self.pipe.on_end(self)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """This side is gone, by a reset if `exc` says so."""
        self.transport = None
        self.pipe.on_lost(self, exc)

    def pause_writing(self) -> None:
        """This side is slow: stop reading the other."""
        self.full = True
        self.pipe.set_reading()

    def resume_writing(self) -> None:
        """This side can take more."""
        self.full = False
        self.pipe.set_reading()


class Pipe:
    """A client and, once connected, its target."""

    def __init__(
        self,
        tap: ConnectionTap,
        *,
        on_client: Callable[["Pipe"], None],
        on_gone: Callable[["Pipe"], None],
        shaper: Callable[[], Shaper],
    ) -> None:
        self.shaper = shaper
        self.client = Half(self, tap.up)
        self.target = Half(self, tap.down)
        self.cut = False
        self.terms = WHOLE
        self._on_client = on_client
        self._on_gone = on_gone

    def set_terms(self, terms: Terms) -> None:
        """From now on bytes pass as these terms say; what is on its way stays so."""
        self.terms = terms
        self.client.lane.way, self.target.lane.way = terms.up, terms.down
        if terms.reset:
            reset(self.client)
            reset(self.target)
        self._send_held()

    def on_made(self, half: Half) -> None:
        """Read from nobody until both sides are there."""
        self.set_reading()
        if half is self.client:
            self._on_client(self)
        else:
            self.connected()

    def connected(self) -> None:
        """Both sides are there."""
        if self.client.transport is None:
            reset(self.target)
            return
        self.client.other, self.target.other = self.target, self.client
        self._send_held()

    def _send_held(self) -> None:
        """Pass on what had to wait and need not any more: bytes, then the end if it came."""
        for half in (self.client, self.target):
            other = half.other
            if other is None or other.transport is None or half.lane.way.hole:
                continue
            if half.held:
                half.lane.send(bytes(half.held))
                half.held.clear()
            if half.ended and not half.end_sent:
                self._end_after(half, other)
        self.set_reading()

    def set_reading(self) -> None:
        """Read from a side if the other can take it and the link is whole."""
        for half, other in ((self.client, self.target), (self.target, self.client)):
            transport = half.transport
            if transport is None or transport.is_closing() or half.ended:
                continue
            open_way = not self.cut and not half.lane.way.hole
            room = half.other is not None and not other.full and not half.lane.is_full
            wanted = open_way and room
            if wanted and not transport.is_reading():
                transport.resume_reading()
            elif not wanted and transport.is_reading():
                transport.pause_reading()

    def on_end(self, half: Half) -> None:
        """One side will send no more."""
        other = half.other
        if other is None or half.lane.way.hole:
            return  # passed on once the other side is there and the way is open
        if other.transport is None:
            close(half)
        elif other.ended:
            close(half)
            close(other)
        else:
            self._end_after(half, other)

    def _end_after(self, half: Half, other: Half) -> None:
        """Pass an end of file on, behind what `half` sent before it."""
        half.end_sent = True

        def end() -> None:
            if other.transport is not None and not other.transport.is_closing():
                other.transport.write_eof()

        half.lane.finish(end)

    def on_lost(self, half: Half, exc: Exception | None) -> None:
        """One side is gone: so is the other, in the same manner."""
        other = self.target if half is self.client else self.client
        if exc is not None:
            half.lane.abandon()
        other.lane.abandon()  # nobody is there to take it
        if other.transport is not None:
            half.lane.finish(lambda: close(other)) if exc is None else reset(other)
        else:
            self._on_gone(self)

    def refuse(self) -> None:
        """The target cannot be reached."""
        reset(self.client)


def close(half: Half) -> None:
    """End a side in order: what was written still goes out."""
    if half.transport is not None:
        half.transport.close()


def reset(half: Half) -> None:
    """End a side at once, with RST."""
    if half.transport is None:
        return
    raw: socket.socket | None = half.transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    half.transport.abort()
