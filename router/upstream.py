"""One connection to an endpoint: write a request's bytes, parse the answer, be used again.

Own client because a general one follows redirects, keeps cookies, decompresses and replays on its own. This
one does nothing that it was not told. Every byte written to a site that may not hold sensitive data passes
the guard here, at the socket, and nowhere later.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from router.reply import Reply
from router.retry import Failure

UNREAD_BYTES_MAX = 1 << 18
"""Answer bytes that wait for a slow client before reading from the service stops: 256 KiB."""


class Inspector(Protocol):
    """The guard as a connection sees it: names what it finds, empty when the bytes may leave."""

    def find(self, outgoing: bytes) -> str:
        """The detector that hits, or empty."""
        ...


class UpstreamError(Exception):
    """An attempt failed; `failure` says how, for the retry rules, `silent` whether time ran out."""

    def __init__(self, failure: Failure, *, silent: bool = False) -> None:
        super().__init__(failure.value)
        self.failure = failure
        self.silent = silent


class GuardBlockedError(Exception):
    """The guard stopped bytes on their way out; `finding` names the detector."""

    def __init__(self, finding: str) -> None:
        super().__init__(finding)
        self.finding = finding


class Connection(asyncio.Protocol):
    """One connection; at most one request is on it at a time."""

    def __init__(self, guard: Inspector | None, on_lost: "Callable[[Connection], None]") -> None:
        self._guard = guard
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._reply: Reply | None = None
        self._writable: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._tunnel: Callable[[bytes], None] | None = None
        self._stray = False
        self.idle_since_s = 0.0

    # ------------------------------------------------------------- towards the service

    def send(self, data: bytes, reply: Reply) -> None:
        """Write a request head (with as much of its body as is at hand); the answer goes into `reply`."""
        self._inspect(data)
        transport = self._transport
        if transport is None or transport.is_closing():
            raise UpstreamError(Failure.LOST)
        self._reply = reply
        transport.write(data)

    def write(self, data: bytes) -> None:
        """Write more of a body, or of a tunnel."""
        self._inspect(data)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    @property
    def writing_paused(self) -> bool:
        """Whether the service takes bytes more slowly than they come."""
        return self._writable is not None

    async def drained(self) -> None:
        """Wait until the service has taken enough that more may be written."""
        if self._writable is not None:
            await self._writable

    def _inspect(self, data: bytes) -> None:
        if self._guard is not None and (finding := self._guard.find(data)):
            self.abort()
            raise GuardBlockedError(finding)

    def tunnel_to(self, sink: Callable[[bytes], None]) -> None:
        """From now on bytes are passed on as they come (after a 101)."""
        self._tunnel = sink

    def abort(self) -> None:
        """Close at once; what was not sent is dropped."""
        self._reply = None
        if self._transport is not None:
            self._transport.abort()

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent: alive, and no answer is open."""
        return (
            self._reply is None and self._transport is not None and not self._transport.is_closing()
        )

    # ------------------------------------------------------------- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._tunnel is not None:
            self._tunnel(data)
            return
        if self._reply is None:
            # Bytes that no request asked for: what follows could be taken for the next answer.
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgraded(data[int(upgrade.args[0]) :])
        except httptools.HttpParserError:
            self._fail(Failure.GARBLED)
        if self._stray:
            self.abort()

    def eof_received(self) -> None:
        """Called by the loop; an answer without framing ends here."""
        reply = self._reply
        if reply is not None and reply.ends_with_connection:
            self._finish(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        reply, self._reply = self._reply, None
        self._transport = None
        self.resume_writing()
        if self._tunnel is not None:
            self._tunnel(b"")
        if reply is not None:
            if reply.ends_with_connection and exc is None:
                reply.finish()
            else:
                reply.fail(Failure.LOST)
        self._on_lost(self)

    def pause_writing(self) -> None:
        """Called by the transport when its buffer is full."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Called by the transport when its buffer has drained."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def resume_reading(self) -> None:
        """Read on after the client has taken what waited."""
        if self._reading_paused and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()

    def pause_reading(self) -> None:
        """Read no more until `resume_reading`."""
        if not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    # ------------------------------------------------------------- the parser's side

    def on_message_begin(self) -> None:
        """Called by the parser; behind a whole answer in the same segment nothing may follow."""
        self._stray = self._stray or self._reply is None

    def on_status(self, status: bytes) -> None:
        """Called by the parser."""
        if self._reply is not None:
            self._reply.reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser; trailers come here too and are dropped."""
        if self._reply is not None:
            self._reply.add_header(name, value)

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        reply = self._reply
        if reply is not None:
            reply.head_done(self._parser.get_status_code())
            if reply.method == "HEAD" and reply.final:
                # llhttp does not know of HEAD and would wait for the body that Content-Length announces.
                self._parser = httptools.HttpResponseParser(self)
                self._finish(reply)

    def on_body(self, data: bytes) -> None:
        """Called by the parser."""
        reply = self._reply
        if reply is not None and reply.add_body(data) > UNREAD_BYTES_MAX:
            self.pause_reading()

    def on_message_complete(self) -> None:
        """Called by the parser."""
        reply = self._reply
        if reply is None:
            return
        if not reply.final:
            reply.interim()
            return
        if reply.status == 101:
            # llhttp calls an upgrade's message complete; what follows is the tunnel, and `_upgraded` tells.
            return
        if not self._parser.should_keep_alive():
            reply.keep_alive = False
        self._finish(reply)

    def _finish(self, reply: Reply) -> None:
        self._reply = None
        reply.finish()

    def _fail(self, failure: Failure) -> None:
        reply, self._reply = self._reply, None
        if self._transport is not None:
            self._transport.abort()
        if reply is not None:
            reply.fail(failure)

    def _upgraded(self, rest: bytes) -> None:
        reply, self._reply = self._reply, None
        if reply is not None:
            reply.upgraded(rest)
