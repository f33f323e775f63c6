"""One service process: who may connect, who answered, where it listens, how it stops."""

import asyncio
import contextlib
import functools
import ipaddress
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol, cast

import msgspec
from aiohttp import web

from contracts.control import ControlReply, ControlRequest
from marketing.options import Network, Options
from marketing.problems import problems
from runtime.control import refuse, serve_control
from runtime.metrics import CounterTable, render
from runtime.ready import write_ready
from runtime.shutdown import stop_event

SERVED_BY = "Isthmus-Served-By"
BODY_BYTES_MAX = 65536
"""Longest body as sent: the policy of the demo inspects 64 KiB, no service here needs more."""

DRAIN_S = 2.0
"""Requests in flight at SIGTERM get this long; the slowest healthy one waits for a broker's ack."""

BACKLOG = 512
KEEP_ALIVE_S = 75.0
"""Longer than the router's idle time of 60 s, so that the router closes first and never races us."""


class Service(Protocol):
    """What a service gives to its process: its resources and its control operations."""

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The resources it serves."""
        ...

    async def control(self, request: ControlRequest) -> ControlReply:
        """Answer one operation of its control socket (`ping` is answered for it)."""
        ...


class Door:
    """Decides at accept who is heard; counts both."""

    def __init__(self, allow: tuple[Network, ...]) -> None:
        self._allow = allow
        self.accepted = 0
        self.refused = 0

    def admits(self, peer: str) -> bool:
        """Whether `peer` (an IP address) lies in a network that is allowed in."""
        admitted = _inside(peer, self._allow)
        self.accepted += admitted
        self.refused += not admitted
        return admitted


@functools.lru_cache(maxsize=1024)
def _inside(peer: str, networks: tuple[Network, ...]) -> bool:
    address = ipaddress.ip_address(peer)
    return any(address in network for network in networks)


class Threshold(asyncio.Protocol):
    """Stands where a connection comes in: closes it before a byte is read, or hands it to HTTP."""

    def __init__(self, door: Door, http: Callable[[], asyncio.BaseProtocol]) -> None:
        self._door = door
        self._http = http

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop before it starts to read."""
        accepted = cast("asyncio.Transport", transport)
        peer = cast("tuple[str, int] | None", accepted.get_extra_info("peername"))
        # A peer that is already gone has no name; there is nobody to serve.
        if peer is None or not self._door.admits(peer[0]):
            accepted.abort()
            return
        protocol = self._http()
        accepted.set_protocol(protocol)
        protocol.connection_made(accepted)


def application(options: Options, service: Service, door: Door) -> web.Application:
    """The aiohttp application: the service's routes, /healthz, and the header that names us."""
    served_by = f"{options.site}/{options.name}"

    answers = CounterTable("isthmus_service_answers", "Answers by status.", ("service", "code"))

    async def sign(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers[SERVED_BY] = served_by
        answers.add(options.service, str(response.status))

    async def healthz(_request: web.Request) -> web.Response:
        health = {"status": "ok", "accepted_peers": door.accepted, "refused_peers": door.refused}
        return web.Response(body=msgspec.json.encode(health), content_type="application/json")

    async def metrics(_request: web.Request) -> web.Response:
        peers = CounterTable("isthmus_service_peers", "Peers by what became of them.", ("verdict",))
        peers.add("accepted", by=door.accepted)
        peers.add("refused", by=door.refused)
        text = render((answers.family(), peers.family()))
        return web.Response(body=text, content_type="text/plain", charset="utf-8")

    app = web.Application(middlewares=[problems], client_max_size=BODY_BYTES_MAX)
    app.on_response_prepare.append(sign)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", metrics)
    app.router.add_routes(service.routes())
    return app


@contextlib.asynccontextmanager
async def listening(options: Options, service: Service) -> AsyncGenerator[str]:
    """Serve while open; yields the real `host:port`. Raises `OSError` when the address is not to be had."""
    door = Door(options.allow)
    runner = web.AppRunner(
        application(options, service, door),
        access_log=None,
        auto_decompress=False,  # bodies.py undoes it, bounded
        keepalive_timeout=KEEP_ALIVE_S,
        shutdown_timeout=DRAIN_S,
    )
    await runner.setup()
    http = cast("Callable[[], asyncio.BaseProtocol]", runner.server)
    try:
        server = await asyncio.get_running_loop().create_server(
            lambda: Threshold(door, http),
            options.host,
            options.port,
            backlog=BACKLOG,
            family=socket.AF_INET6 if ":" in options.host else socket.AF_INET,
        )
        try:
            yield _address(server)
        finally:
            server.close()
    finally:
        await runner.cleanup()


def _address(server: asyncio.Server) -> str:
    host, port = cast("tuple[str, int]", server.sockets[0].getsockname()[:2])
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def serve(options: Options, opened: contextlib.AbstractAsyncContextManager[Service]) -> None:
    """Open the service, listen, say so in the ready file, and serve until SIGTERM or SIGINT."""
    stop = stop_event(asyncio.get_running_loop())
    async with contextlib.AsyncExitStack() as stack:
        service = await stack.enter_async_context(opened)
        address = await stack.enter_async_context(listening(options, service))
        addresses = {"http": address}
        if options.control is not None:
            await stack.enter_async_context(serve_control(options.control, service.control))
            addresses["control"] = str(options.control)
        write_ready(options.ready, options.name, addresses)
        await stop.wait()


async def no_operations(request: ControlRequest) -> ControlReply:
    """The control handler of a service that only answers `ping`."""
    return refuse(f"expected ping; this service has no {request.op}")
