"""One keep-alive HTTP/1.1 client connection: one exchange at a time.

A connection the server closed while idle is recognised by a peek *before* the request is written, so a
request is never sent into a known-dead connection and nothing that may have been acted on is sent twice.
"""

import asyncio
import socket
from typing import Protocol, cast

import httptools

from loadtest.answer import whole_answer
from loadtest.outcome import Failure

_PEEK = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)
BODY_BYTES_MAX = 1 << 20
"""Answers beyond 1 MiB are cut off as a reset: no operation of the plan asks for as much."""


class Exchange:
    """One request on the wire and what came of it; subclasses say what happens at the end.

    `deadline_ns` bounds waiting for a connection, sending and the whole answer. `sent_ns` is 0 until the
    bytes were handed to a socket.
    """

    __slots__ = (
        "body",
        "connection",
        "deadline_ns",
        "done",
        "payload",
        "sent_ns",
        "served",
        "status",
    )

    def __init__(self, payload: bytes, deadline_ns: int) -> None:
        self.payload = payload
        self.deadline_ns = deadline_ns
        self.sent_ns = 0
        self.status = 0
        self.served = b""
        self.body = b""
        self.done = False
        self.connection: Connection | None = None

    def finished(self, failure: Failure) -> None:
        """The answer is complete (`failure` empty), or there will be none; called once."""
        raise NotImplementedError

    def end(self, failure: Failure) -> None:
        """Finish unless that has happened."""
        if not self.done:
            self.done = True
            self.connection = None
            if failure:
                self.status = 0
            self.finished(failure)

    def expire(self) -> None:
        """The deadline passed: the connection, if any, is given up with the exchange."""
        if self.done:
            return
        connection, sent = self.connection, self.sent_ns != 0
        self.end("timeout" if sent else "refused")
        if connection is not None:
            connection.abort()


class Owner(Protocol):
    """Who a connection belongs to."""

    def now_ns(self) -> int:
        """The clock sends are stamped with."""
        ...

    def release(self, connection: "Connection") -> None:
        """A connection finished its exchange and may carry the next."""
        ...

    def forget(self, connection: "Connection") -> None:
        """A connection is gone."""
        ...


class Connection(asyncio.Protocol):
    """One keep-alive connection; httptools calls its `on_` methods while `data_received` feeds it."""

    __slots__ = (
        "_between",
        "_chunks",
        "_exchange",
        "_keep_alive",
        "_parser",
        "_pool",
        "_served",
        "_size",
        "_sock",
        "_status",
        "_stray",
        "_transport",
        "closed",
        "free_ns",
    )

    def __init__(self, pool: Owner, sock: socket.socket) -> None:
        self._pool = pool
        self._sock = sock
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._served = b""
        self._status = 0
        self._keep_alive = False
        self._stray = False
        # No byte of an answer is with the parser: the next one may be taken without it.
        self._between = True
        self._transport: asyncio.Transport | None = None
        self.closed = False
        self.free_ns = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def usable(self) -> bool:
        """Whether the server has neither closed nor written since the last answer."""
        if self.closed or self._transport is None or self._transport.is_closing():
            return False
        try:
            self._sock.recv(1, _PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        # End of file, or bytes nobody asked for: either way the next answer could not be trusted.
        return False

    def send(self, exchange: Exchange) -> None:
        """Write a request; the caller has made sure that the connection is idle."""
        assert self._transport is not None  # noqa: S101  # an idle connection has been made
        self._exchange = exchange
        exchange.connection = self
        exchange.sent_ns = self._pool.now_ns()
        self._transport.write(exchange.payload)

    def abort(self) -> None:
        """Close at once; unread answers are lost."""
        self._exchange = None
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; anything out of turn closes the connection."""
        exchange = self._exchange
        if exchange is None:
            self.abort()
            return
        if self._between:
            answer = whole_answer(data)
            if answer is not None and len(answer.body) <= BODY_BYTES_MAX:
                exchange.status, keep_alive, exchange.served, exchange.body = answer
                self._hand_on(exchange, keep_alive=keep_alive)
                return
            self._between = False
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._give_up()
            return
        if self._size > BODY_BYTES_MAX:
            self._give_up()
        elif self._status:
            self._hand_over(exchange)

    def on_message_begin(self) -> None:
        """An answer after a complete one is nobody's: the connection must not carry another request."""
        self._stray = self._stray or self._status != 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note who served the answer."""
        if len(name) == 17 and name.lower() == b"isthmus-served-by" and not self._stray:
            self._served = value

    def on_body(self, body: bytes) -> None:
        """Collect the answer's body within its bound."""
        self._size += len(body)
        if self._size <= BODY_BYTES_MAX and not self._stray:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        """Note that the answer is whole; an interim (1xx) one is followed by another."""
        status = self._parser.get_status_code()
        if status >= 200 and not self._stray:
            self._status = status
            self._keep_alive = self._parser.should_keep_alive()

    def _hand_over(self, exchange: Exchange) -> None:
        exchange.status, self._status = self._status, 0
        exchange.served, self._served = self._served, b""
        exchange.body = b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        self._between = True
        self._hand_on(exchange, keep_alive=self._keep_alive and not self._stray)

    def _hand_on(self, exchange: Exchange, *, keep_alive: bool) -> None:
        self._exchange = None
        if keep_alive:
            self._pool.release(self)
        else:
            self.abort()
        exchange.end("")

    def _give_up(self) -> None:
        exchange = self._exchange
        self.abort()
        if exchange is not None:
            exchange.end("reset")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """The connection is gone, and with it the answer being waited for."""
        self.closed = True
        self._pool.forget(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.end("reset")
