"""A real router on loopback before real aiohttp services, with the demo's policy in small."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from contracts.settings import RouterLimits, RouterSettings
from router.doors import address_of, bind
from router.generation import load_generation
from router.worker import Worker

POLICY = """\
version: isthmus/v1
sites:
  public: {holds: [public]}
  private: {holds: [public, sensitive]}
detectors:
  enable: [cn-mobile, cn-resident-id, bank-card, email]
routes:
  - {id: ads, match: {methods: [GET, HEAD], paths: ["/ads", "/ads/**"]}, class: public, service: ads, cookies: [ab]}
  - {id: click, match: {methods: [POST], paths: ["/clicks"]}, class: public, service: clicks, inspect: {body: 64KiB}}
  - {id: orders, match: {paths: ["/orders", "/orders/**"]}, class: sensitive, service: orders, idempotency: Idempotency-Key}
  - {id: profiles, match: {paths: ["/profiles/**"]}, class: sensitive, service: profiles}
"""


@dataclass
class Seen:
    """One request as a service got it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Service:
    """A service on loopback that records what it gets; `answer` may be replaced."""

    site: str
    name: str
    address: str = ""
    seen: list[Seen] = field(default_factory=list)
    healthy: bool = True
    answer: Callable[[web.Request, bytes], Awaitable[web.StreamResponse]] | None = None
    server: asyncio.AbstractServer | None = None
    web_server: web.Server | None = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/healthz":
            return web.Response(text="ok", status=200 if self.healthy else 500)
        body = await request.read()
        headers = [(k.decode(), v.decode()) for k, v in request.raw_headers]
        self.seen.append(Seen(request.method, request.raw_path, headers, body))
        if self.answer is not None:
            return await self.answer(request, body)
        return web.json_response(
            {"site": self.site}, headers={"Isthmus-Served-By": f"{self.site}/{self.name}"}
        )

    async def start(self, host: str) -> None:
        self.web_server = web.Server(self.handle, auto_decompress=False)
        bound = bind(self.address or f"{host}:0")
        self.address = address_of(bound)
        self.server = await asyncio.get_running_loop().create_server(self.web_server, sock=bound)

    async def stop(self) -> None:
        if self.server is not None:
            self.server.close()
        if self.web_server is not None:
            for door in self.web_server.connections:
                if door.transport is not None:
                    door.transport.abort()
            await self.web_server.shutdown(0.1)


@dataclass
class Cloud:
    """Services, a router before them and a client."""

    root: Path
    worker: Worker
    http: str
    client: aiohttp.ClientSession
    services: dict[str, Service]
    settings: RouterSettings

    def url(self, path: str) -> str:
        return f"http://{self.http}{path}"

    def metric(self, name: str, **labels: str) -> float:
        total = 0.0
        for line in self.worker.metrics_text().decode().splitlines():
            if line.startswith(name) and all(f'{k}="{v}"' in line for k, v in labels.items()):
                total += float(line.rpartition(" ")[2])
        return total


def topology(services: dict[str, Service], *, sites: tuple[str, ...], reserve: str) -> str:
    networks = {"public": "127.0.1.0/24", "private": "127.0.2.0/24"}
    lines = ["version: isthmus/v1", "sites:"]
    for site in sites:
        lines += [f"  {site}:", f"    networks: [{networks[site]}]"]
        if site == "private" and reserve:
            lines.append(f"    reserve: {reserve}")
        by_service: dict[str, list[str]] = {}
        for name, service in services.items():
            if service.site == site:
                kind = name.split("-")[0]
                entry = f'{{address: "{service.address}", node: {name}}}'
                by_service.setdefault(kind, []).append(entry)
        lines.append("    services:")
        lines += [f"      {k}: {{endpoints: [{', '.join(v)}]}}" for k, v in by_service.items()]
    return "\n".join(lines) + "\n"


HOSTS = {"public": "127.0.1.10", "private": "127.0.2.10"}
NAMES = {
    "public": ("ads-1", "ads-2", "ads-3", "clicks-public"),
    "private": ("ads-private", "clicks-private", "orders-1", "profiles-1"),
}
RESERVE = "{ads: 0.2, clicks: 0.1, raised: 0.1}"


@contextlib.asynccontextmanager
async def running_cloud(
    root: Path,
    *,
    placement: str = "core",
    disable: tuple[str, ...] = (),
    limits: RouterLimits | None = None,
    reserve: str = RESERVE,
    policy: str = POLICY,
) -> AsyncIterator[Cloud]:
    """A cloud that is gone when the context ends."""
    services = {name: Service(site, name) for site, names in NAMES.items() for name in names}
    for service in services.values():
        await service.start(HOSTS[service.site])
    sites = ("public", "private") if placement == "core" else ("public",)
    (root / "policy.yaml").write_text(policy)
    (root / "topology.yaml").write_text(topology(services, sites=sites, reserve=reserve))
    settings = RouterSettings(
        name="router-test", placement=placement, site="private" if placement == "core" else "public",
        policy=str(root / "policy.yaml"), topology=str(root / "topology.yaml"),
        listen="127.0.2.20:0" if placement == "core" else "127.0.1.20:0", probe="127.0.2.20:0",
        admin=str(root / "admin.sock"), evidence=str(root / "evidence"), ready=str(root / "ready.json"),
        limits=limits or RouterLimits(), disable=disable,
    )  # fmt: skip
    worker = Worker(settings, load_generation(settings, 1), worker="w0")
    listener = bind(settings.listen)
    try:
        async with worker.serving(listener), aiohttp.ClientSession(auto_decompress=False) as client:
            yield Cloud(root, worker, address_of(listener), client, services, settings)
    finally:
        for service in services.values():
            await service.stop()


async def until(condition: Callable[[], bool], *, within_s: float = 5.0) -> None:
    """Poll until the condition holds; a deadline, not a sleep, decides."""
    async with asyncio.timeout(within_s):
        # Conditions are about other processes and sockets: nothing here could set an event.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def mobile() -> str:
    """A generated number of the canary range."""
    return "1990047" + "".join(str((7 * n + 3) % 10) for n in range(4))


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


async def wire(http: str, data: bytes, *, wait_s: float = 3.0) -> bytes:
    """Send raw bytes to a router and read until it closes or says nothing more for long."""
    host, _, port = http.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(data)
        got = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while piece := await reader.read(65536):
                    got += piece
        return got
    finally:
        writer.close()


def set_hanging(service: Service, *, hang: bool) -> None:
    """Make a service accept and never answer (grey), or answer again."""
    server = service.web_server
    assert server is not None

    async def never(_request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    server.request_handler = never if hang else service.handle
    for door in server.connections:
        door._request_handler = server.request_handler
