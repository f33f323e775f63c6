"""One answer while it arrives: held until complete, or handed on as it comes.

`wait` ends when the answer is complete, when it is clear that it must be streamed, or when it failed. The
connection fills it; whoever asked reads it.
"""

import asyncio
from collections.abc import Callable

from router.framing import has_no_body
from router.retry import Failure

_STREAMED = (b"text/event-stream", b"multipart/x-mixed-replace")
"""Types whose answers never end of themselves: holding them would hold the client for ever."""


OnInterim = Callable[[int, list[tuple[bytes, bytes]]], None]
"""Told of each 1xx answer but 100: its status and fields."""


class Reply:
    """Status, headers and body of one answer, final or not yet."""

    __slots__ = (
        "_body", "_hold", "_hold_bytes_max", "_loop", "_size", "_waiter", "bodiless", "chunked",
        "complete", "failure", "final", "headers", "keep_alive", "length", "method", "on_interim",
        "reason", "status", "tail", "timed_out",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        method: str,
        *,
        hold: bool,
        hold_bytes_max: int,
        on_interim: OnInterim | None = None,
    ) -> None:
        self._loop = loop
        self._hold = hold
        self._hold_bytes_max = hold_bytes_max
        self._waiter: asyncio.Future[None] | None = None
        self._body: list[bytes] = []
        self._size = 0
        self.method = method
        self.on_interim = on_interim
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.length: int | None = None
        self.chunked = False
        self.bodiless = False
        self.final = False
        self.complete = False
        self.keep_alive = True
        self.failure: Failure | None = None
        self.timed_out = False
        self.tail: bytes | None = None

    # ------------------------------------------------------------- the connection's side

    def add_header(self, name: bytes, value: bytes) -> None:
        """One field of the head; after it, a trailer, which is dropped."""
        if not self.final:
            self.headers.append((name, value))

    def head_done(self, status: int) -> None:
        """The head is whole; below 200 it is interim and another one follows."""
        self.status = status
        if status < 200 and status != 101:
            return
        self.final = True
        self.bodiless = has_no_body(self.method, status)
        streamed = self._read_fields()
        if self.length is None and not self.chunked and not self.bodiless:
            self.keep_alive = False
        if streamed or (self.length or 0) > self._hold_bytes_max:
            self._hold = False
        if not self._hold:
            # The body may stand in the same segment: let the parser go on before the reader looks.
            self._loop.call_soon(self._wake)

    def _read_fields(self) -> bool:
        """Take framing and keep-alive from the fields; whether the type says the answer never ends."""
        streamed = False
        for name, value in self.headers:
            match name.lower():
                case b"content-length":
                    self.length = int(value)
                case b"transfer-encoding":
                    self.chunked = True
                case b"content-type":
                    streamed = value.lower().startswith(_STREAMED)
                case b"connection" if b"close" in value.lower():
                    self.keep_alive = False
                case _:
                    pass
        return streamed

    def interim(self) -> None:
        """A 1xx ended: hand it on, and start anew."""
        if self.on_interim is not None and self.status != 100:
            self.on_interim(self.status, self.headers)
        self.status, self.reason, self.headers = 0, b"", []

    def add_body(self, data: bytes) -> int:
        """More of the body; returns how many bytes wait for the reader."""
        self._body.append(data)
        self._size += len(data)
        if self._hold and self._size > self._hold_bytes_max:
            self._hold = False
        if not self._hold:
            self._wake()
        return self._size

    def finish(self) -> None:
        """The answer is whole."""
        self.complete = True
        self._wake()

    def fail(self, failure: Failure) -> None:
        """The answer ended before it was whole."""
        self.failure = failure
        self._wake()

    def upgraded(self, rest: bytes) -> None:
        """The connection is a tunnel now; `rest` came right behind the head."""
        self.tail = rest
        self._wake()

    @property
    def ends_with_connection(self) -> bool:
        """Whether the peer's closing is this answer's proper end (RFC 9112 §6.3 item 8)."""
        return self.final and self.length is None and not self.chunked and not self.bodiless

    # ------------------------------------------------------------- the reader's side

    async def wait(self, timeout_s: float) -> None:
        """Wait until it is complete, streaming, failed, or `timeout_s` is over (then `timed_out`).

        When time runs out after the head came, the answer is slow, not lost: it becomes streaming.
        """
        if self._ready():
            return
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_later(timeout_s, self._expire)
        try:
            await waiter
        finally:
            timer.cancel()
            if self._waiter is waiter:
                self._waiter = None

    async def changed(self, timeout_s: float) -> bool:
        """Wait for more of a streaming answer; false when none came in time."""
        if self._body or self.complete or self.failure is not None:
            return True
        self.timed_out = False
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_later(timeout_s, self._expire)
        try:
            await waiter
        finally:
            timer.cancel()
            if self._waiter is waiter:
                self._waiter = None
        return bool(self._body) or self.complete or self.failure is not None

    def take_body(self) -> bytes:
        """What has arrived of the body and was not taken yet."""
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        self._size = 0
        return body

    @property
    def answered(self) -> bool:
        """Whether the reader has something to pass on: a whole answer, a head to stream, a tunnel."""
        return self.failure is None and self.final

    def _ready(self) -> bool:
        return (
            self.complete
            or self.failure is not None
            or self.tail is not None
            or (self.final and not self._hold)
        )

    def _expire(self) -> None:
        if self.final and not self.complete:
            self._hold = False
        self.timed_out = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
