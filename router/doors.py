"""How a process opens its doors: bound sockets, pages on TCP, pages on a unix socket of mode 0600."""

import contextlib
import os
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

from aiohttp import web

from router.settings import host_port


def bind(address: str, *, reuse_port: bool = False) -> socket.socket:
    """A bound TCP socket that does not listen yet. Raises `OSError`."""
    host, port = host_port(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


def address_of(bound: socket.socket) -> str:
    """`host:port` of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.asynccontextmanager
async def serve_tcp(app: web.Application, address: str) -> AsyncGenerator[str]:
    """Serve pages on TCP while the context is open; yields the real address."""
    bound = bind(address)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, bound).start()
        yield address_of(bound)
    finally:
        await runner.cleanup()
        bound.close()


@contextlib.asynccontextmanager
async def serve_unix(app: web.Application, path: Path) -> AsyncGenerator[None]:
    """Serve pages on a unix socket of mode 0600 while the context is open."""
    _clear_way(path)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    before = os.umask(0o177)
    try:
        await web.UnixSite(runner, str(path)).start()
    finally:
        os.umask(before)
    try:
        yield
    finally:
        await runner.cleanup()
        _clear_way(path)


def _clear_way(path: Path) -> None:
    """Make the directory and take away a socket file that an earlier process left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
