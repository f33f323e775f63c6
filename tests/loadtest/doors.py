"""A door on loopback for the tests of the generator: answers as the test says and keeps every byte it got."""

import asyncio
import contextlib
import hashlib
import re
import uuid
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from contracts.load import LoadPlan

MIX = {"ads": 0.70, "click": 0.20, "order": 0.07, "profile": 0.03}


def plan_for(address: str = "127.0.0.1:1", **changes) -> LoadPlan:
    """A plan of the demo's mix against one address for both doors."""
    fields = {
        "run": "test", "seed": 1, "rate": 200.0, "duration_s": 1.0, "core": address, "edge": address,
        "mix": MIX,
    }  # fmt: skip
    return LoadPlan(**{**fields, **changes})


async def until(condition: Callable[[], bool], deadline_s: float = 30.0) -> None:
    """Return once `condition` holds; fails after the deadline."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110  # files and other processes set no event of ours
            await asyncio.sleep(0.005)


class Shop:
    """The services behind the door, in memory; `gate` cleared freezes every answer."""

    def __init__(self):
        self.gate = asyncio.Event()
        self.gate.set()
        self.orders: dict[str, tuple[str, str]] = {}
        self.profiles: dict[str, bytes] = {}
        self.before: Callable[[web.Request], web.Response | None] = lambda _: None
        self.after_order: Callable[[web.Request], bool] = lambda _: False
        self.seen: list[str] = []
        self.reached = asyncio.Event()
        self.reach = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(f"{request.method} {request.path}")
        if self.reach and len(self.seen) >= self.reach:
            self.reached.set()
        body = await request.read()
        await self.gate.wait()
        answer = self.before(request)
        if answer is None:
            answer = self.answer(request, body)
        answer.headers["Isthmus-Served-By"] = "public/ad-1"
        return answer

    def answer(self, request: web.Request, body: bytes) -> web.Response:
        match request.path.split("/")[1], request.method:
            case "ads", _:
                return web.Response(text="{}")
            case "clicks", _:
                return web.Response(status=202)
            case "orders", _:
                return self.place(request, body)
            case "profiles", "PUT":
                self.profiles[request.path] = body
                return web.Response(status=201)
            case _:
                found = self.profiles.get(request.path)
                return web.Response(body=found) if found else web.Response(status=404)

    def place(self, request: web.Request, body: bytes) -> web.Response:
        key, sha = request.headers["Idempotency-Key"], hashlib.sha256(body).hexdigest()
        order_id, first_sha = self.orders.setdefault(key, (str(uuid.uuid4()), sha))
        if first_sha != sha:
            return web.Response(status=422)
        if self.after_order(request):
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"order_id": order_id}, status=201)


@contextlib.asynccontextmanager
async def open_shop() -> AsyncIterator[tuple[Shop, str]]:
    """A shop on a free port, and its address."""
    shop = Shop()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", shop.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield shop, f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        shop.gate.set()
        await runner.cleanup()


_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Recorder(asyncio.Protocol):
    """Answers every request 200 and keeps the bytes of each; `served` counts answers per connection."""

    def __init__(self, requests: list[bytes], closes_after: int):
        self.requests = requests
        self.closes_after = closes_after
        self.served = 0
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self.buffer[:end])
            whole = end + 4 + (int(found.group(1)) if found else 0)
            if len(self.buffer) < whole:
                return
            self.requests.append(self.buffer[:whole])
            self.buffer = self.buffer[whole:]
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            self.served += 1
            if self.served == self.closes_after:
                self.transport.close()


@contextlib.asynccontextmanager
async def open_recorder(closes_after: int = 0) -> AsyncIterator[tuple[list[bytes], str]]:
    """A recorder on a free port: the requests it got, and its address."""
    requests: list[bytes] = []
    server = await asyncio.get_running_loop().create_server(
        lambda: Recorder(requests, closes_after), "127.0.0.1", 0
    )
    try:
        yield requests, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
