"""The door: aiohttp's low-level server with its parse errors answered our way and its missing time limits added."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from contracts.settings import RouterLimits
from router.client import Answered, Client
from router.inbound import Fault

SWEEP_S = 0.5
"""How often heads that dawdle are looked for; a limit of 5 s is kept to within this."""
LINGER_S = 1.0
"""A refused upload is read and dropped for this long, so that the client can read why."""
READ_BYTES = 1 << 16
"""Unread body bytes per connection before its socket is no longer read: twice this at most."""

OnFault = Callable[[Client, Fault], Answered]


class Door(RequestHandler):
    """One client connection."""

    __slots__ = ("_on_fault", "head_since_s")

    def __init__(self, server: "FrontServer", on_fault: OnFault, *, limits: RouterLimits) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.idle_s,
            access_log=None,  # pyright: ignore[reportArgumentType]  # None is how aiohttp is told: no log
            max_line_size=limits.header_bytes_max // 2,
            max_field_size=limits.header_bytes_max // 2,
            max_headers=128,
            lingering_time=LINGER_S,
            read_bufsize=READ_BYTES,
            auto_decompress=False,
        )
        self._on_fault = on_fault
        self.head_since_s = 0.0

    def data_received(self, data: bytes) -> None:
        """Called by the loop; notes since when a head is unfinished."""
        super().data_received(data)
        if self._current_request is not None or self._messages:
            self.head_since_s = 0.0
        elif data and not self.head_since_s:
            self.head_since_s = self._loop.time()

    def close_if_slow(self, now_s: float, header_s: float) -> None:
        """Close a connection whose head has been unfinished for longer than `header_s`."""
        if self._current_request is not None or self._messages:
            self.head_since_s = 0.0
        elif self.head_since_s and now_s - self.head_since_s > header_s:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Called by aiohttp for what its parser refuses; its own answer and log would quote the bytes."""
        del exc, message
        client = Client(request, http11=True)
        return self._on_fault(client, Fault(status, "malformed")).for_aiohttp()

    def log_exception(self, *args: object, **kw: object) -> None:
        """Called by aiohttp with texts that may quote the request; the handler logs its own errors."""


class FrontServer(web.Server):
    """Makes doors, and sweeps them."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        on_fault: OnFault,
        *,
        limits: RouterLimits,
    ) -> None:
        super().__init__(handler, handler_cancellation=True)
        self._on_fault = on_fault
        self._limits = limits

    def __call__(self) -> RequestHandler:
        """Called by the loop for each connection."""
        return Door(self, self._on_fault, limits=self._limits)

    async def sweep(self) -> None:
        """Close slow heads for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_S)
            now_s = loop.time()
            for door in self.connections:
                if isinstance(door, Door):
                    door.close_if_slow(now_s, self._limits.header_s)
