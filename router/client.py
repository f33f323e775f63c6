"""The client's side of one request: answers written as bytes, framing our own, nothing added but what is due."""

from typing import Protocol, cast

from aiohttp import web

from router.framing import (
    NO_BODY,
    Framing,
    chunk,
    has_no_body,
    response_head,
)
from router.problem import problem_body, reason_phrase
from router.reply import Reply
from router.upstream import Connection


class ClientGoneError(Exception):
    """The client closed before its answer was whole."""


class ServiceGoneError(Exception):
    """The service's answer was cut short after its head had been passed on."""


class Answered:
    """What aiohttp is given back: everything is written already, only the connection's fate is left to say."""

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing to prepare."""

    async def write_eof(self) -> None:
        """Nothing left to write."""

    def for_aiohttp(self) -> web.StreamResponse:
        """Itself, under the name aiohttp calls it by (it uses these three members only)."""
        return cast("web.StreamResponse", cast("object", self))


class _Drains(Protocol):
    async def drain(self) -> None: ...


class Client:
    """Writes to one client for one request."""

    __slots__ = ("_http11", "_keep_alive", "_method", "_request", "_transport", "begun")

    def __init__(self, request: web.BaseRequest, *, http11: bool) -> None:
        self._request = request
        self._transport = request.transport
        self._http11 = http11
        self._keep_alive = request.keep_alive
        self._method = request.method
        self.begun = False

    def close_after(self) -> None:
        """The connection ends with this answer."""
        self._keep_alive = False

    def go_on(self) -> None:
        """100 Continue: the body is wanted."""
        self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def interim(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Pass a 1xx answer on; HTTP/1.0 knows none."""
        if self._http11 and not self.begun:
            phrase = reason_phrase(status)
            self._write(response_head(status, phrase, headers, framing=NO_BODY, connection=b""))

    def problem(self, status: int, code: str, *, retry_after_s: int = 0) -> Answered:
        """An answer of the router's own."""
        body = problem_body(status, code)
        headers = [(b"Content-Type", b"application/problem+json"), (b"Cache-Control", b"no-store")]
        if retry_after_s:
            headers.append((b"Retry-After", b"%d" % retry_after_s))
        head = response_head(
            status,
            reason_phrase(status),
            headers,
            framing=Framing(length=len(body)),
            connection=self._connection(),
        )
        self._write(head if self._method == "HEAD" else head + body)
        return Answered(keep_alive=self._keep_alive)

    def whole(self, reply: Reply) -> Answered:
        """A held answer at once."""
        body = reply.take_body()
        if has_no_body(self._method, reply.status):
            framing = Framing(length=None if reply.status == 204 else reply.length)
            body = b""
        else:
            framing = Framing(length=len(body))
        head = response_head(
            reply.status,
            reply.reason,
            reply.headers,
            framing=framing,
            connection=self._connection(),
        )
        self._write(head + body)
        return Answered(keep_alive=self._keep_alive)

    async def stream(self, reply: Reply, connection: Connection, *, idle_s: float) -> Answered:
        """An answer as it comes. Raises `ClientGoneError` or `ServiceGoneError`."""
        chunked = reply.length is None and self._http11
        if reply.length is None and not chunked:
            self.close_after()
        framing = Framing(length=reply.length, chunked=chunked)
        self._write(
            response_head(
                reply.status,
                reply.reason,
                reply.headers,
                framing=framing,
                connection=self._connection(),
            )
        )
        while True:
            complete = reply.complete
            if data := reply.take_body():
                self._write(chunk(data) if chunked else data)
                await cast("_Drains", self._request.writer).drain()
                connection.resume_reading()
                if self._request.transport is None:
                    raise ClientGoneError
                continue
            if complete:
                break
            if reply.failure is not None or not await reply.changed(idle_s):
                raise ServiceGoneError
        if chunked:
            self._write(chunk(b""))
        return Answered(keep_alive=self._keep_alive)

    def raw(self, data: bytes) -> None:
        """Bytes of a tunnel."""
        self._write(data)

    async def drained(self) -> None:
        """Wait until the client has taken enough that more may be written."""
        await cast("_Drains", self._request.writer).drain()

    def abort(self) -> Answered:
        """Reset, so that no client takes half an answer for a whole one."""
        if self._transport is not None:
            self._transport.abort()
        return Answered(keep_alive=False)

    def _connection(self) -> bytes:
        if not self._keep_alive:
            return b"close"
        return b"" if self._http11 else b"keep-alive"

    def _write(self, data: bytes) -> None:
        self.begun = self.begun or not data.startswith(b"HTTP/1.1 1")
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
