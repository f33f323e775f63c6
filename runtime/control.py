"""Control sockets: a unix socket (mode 0600) that answers one JSON line with one JSON line."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import msgspec

from contracts.control import ControlReply, ControlRequest, Op, Scalar

LINE_BYTES_MAX = 1 << 20
"""A reply with a report fits well within 1 MiB; a longer line is a fault of the peer."""

Handler = Callable[[ControlRequest], Awaitable[ControlReply]]


class ControlError(Exception):
    """The peer is gone, refused the operation, or answered what is no reply."""


def reply_with(data: msgspec.Struct | None = None) -> ControlReply:
    """A reply that succeeded, carrying `data`."""
    return ControlReply(ok=True, data=msgspec.Raw(msgspec.json.encode(data)))


def refuse(error: str) -> ControlReply:
    """A reply that says what was expected instead."""
    return ControlReply(ok=False, error=error)


@contextlib.asynccontextmanager
async def serve_control(path: Path, handler: Handler) -> AsyncGenerator[None]:
    """Serve `handler` on `path` while the context is open; the socket file goes with it."""

    async def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.LimitOverrunError, ValueError):
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await _answer(handler, line)) + b"\n")
                await writer.drain()
        writer.close()

    _remove(path)
    before = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(on_connect, path, limit=LINE_BYTES_MAX)
    finally:
        os.umask(before)
    try:
        yield
    finally:
        server.close()
        _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _answer(handler: Handler, line: bytes) -> ControlReply:
    try:
        request = msgspec.json.decode(line, type=ControlRequest)
    except msgspec.MsgspecError as error:
        return refuse(f"not a control request: {error}")
    if request.op == "ping":
        return reply_with()
    return await handler(request)


def call_control(path: Path, op: Op, /, *, timeout_s: float = 5.0, **args: Scalar) -> msgspec.Raw:
    """Ask the process behind `path`; returns the reply's data. Raises `ControlError`."""
    request = msgspec.json.encode(ControlRequest(op=op, args=args)) + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(timeout_s)
            peer.connect(str(path))
            peer.sendall(request)
            with peer.makefile("rb") as lines:
                line = lines.readline(LINE_BYTES_MAX)
    except OSError as error:
        raise ControlError(f"{path}: {op}: {error}") from error
    try:
        reply = msgspec.json.decode(line, type=ControlReply)
    except msgspec.MsgspecError as error:
        raise ControlError(f"{path}: {op}: not a reply: {error}") from error
    if not reply.ok:
        raise ControlError(f"{path}: {op}: {reply.error}")
    return reply.data
