"""The node's kubelet port: logs for `kubectl logs`, resource metrics for metrics-server, over TLS.

Only the site's own namespace is answered (the API server and metrics-server live there): such a peer's address is the
very address it called, which nobody outside can have. Log lines are served as the container wrote them: they carry
no time, so `--timestamps` adds none and `--since` is judged by the whole file's.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
from aiohttp import web

from local.agent_cgroup import Usage
from local.agent_settings import AgentSettings, node_address

FOLLOW_S = 0.2
CHUNK_BYTES = 64 << 10


class LogFile(msgspec.Struct, frozen=True, kw_only=True):
    """A log and whether it still grows."""

    path: Path
    running: bool


class ContainerUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Usage of one container since `started_s`."""

    namespace: str
    pod: str
    container: str
    started_s: float
    usage: Usage


class Contents(Protocol):
    """What the port shows."""

    def log_of(self, namespace: str, pod: str, container: str, *, previous: bool) -> LogFile | None:
        """The log, or None when there is no such container or run."""
        ...

    def usages(self) -> list[ContainerUsage]:
        """Usage of every container that runs."""
        ...

    def node_usage(self) -> Usage:
        """Usage of the whole node."""
        ...


class LogQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The query of /containerLogs."""

    follow: bool = False
    previous: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since_seconds: int | None = None


def parse_query(query: dict[str, str]) -> LogQuery:
    """The query as the API server writes it. Raises `ValueError`."""
    return msgspec.convert(query, LogQuery, strict=False)


def tail(data: bytes, lines: int | None) -> bytes:
    """The last lines; None is all."""
    if lines is None:
        return data
    return b"".join(data.splitlines(keepends=True)[-lines:]) if lines > 0 else b""


def metrics_text(node: Usage, containers: list[ContainerUsage], *, now_s: float) -> str:
    """What metrics-server reads from /metrics/resource."""
    now_ms = int(now_s * 1000)

    def lines() -> Iterator[str]:
        yield "# TYPE node_cpu_usage_seconds_total counter"
        yield f"node_cpu_usage_seconds_total {node.cpu_s:.6f} {now_ms}"
        yield "# TYPE node_memory_working_set_bytes gauge"
        yield f"node_memory_working_set_bytes {node.memory_bytes} {now_ms}"
        yield "# TYPE container_start_time_seconds gauge"
        for it in containers:
            yield f"container_start_time_seconds{_labels(it)} {it.started_s:.3f}"
        yield "# TYPE container_cpu_usage_seconds_total counter"
        for it in containers:
            yield f"container_cpu_usage_seconds_total{_labels(it)} {it.usage.cpu_s:.6f} {now_ms}"
        yield "# TYPE container_memory_working_set_bytes gauge"
        for it in containers:
            yield f"container_memory_working_set_bytes{_labels(it)} {it.usage.memory_bytes} {now_ms}"

    return "\n".join(lines()) + "\n"


def _labels(one: ContainerUsage) -> str:
    return f'{{container="{one.container}",namespace="{one.namespace}",pod="{one.pod}"}}'


class Kubelet:
    """The server; `clock` is wall-clock seconds."""

    def __init__(self, contents: Contents, clock: Callable[[], float]) -> None:
        self._contents, self._clock = contents, clock

    def application(self) -> web.Application:
        """Its routes."""
        app = web.Application(middlewares=[_from_here])
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/metrics/resource", self._metrics)
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        return app

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _metrics(self, _request: web.Request) -> web.Response:
        contents = self._contents
        text = metrics_text(contents.node_usage(), contents.usages(), now_s=self._clock())
        return web.Response(text=text, content_type="text/plain")

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        try:
            query = parse_query(dict(request.query))
        except ValueError as error:
            return web.Response(status=400, text=f"{error}\n")
        names = request.match_info
        namespace, pod, container = names["namespace"], names["pod"], names["container"]
        log = self._contents.log_of(namespace, pod, container, previous=query.previous)
        if log is None:
            kind = "previous terminated container" if query.previous else "container"
            return web.Response(status=404, text=f'{kind} "{container}" in pod "{pod}" not found\n')
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await self._send(response, log, query, again=lambda: self._contents.log_of(
            namespace, pod, container, previous=query.previous))  # fmt: skip
        return response

    async def _send(
        self,
        response: web.StreamResponse,
        log: LogFile,
        query: LogQuery,
        *,
        again: Callable[[], LogFile | None],
    ) -> None:
        since_s = 0.0 if query.since_seconds is None else self._clock() - query.since_seconds
        if not query.follow and _changed_s(log.path) < since_s:
            return
        data, position = _read(log.path, 0)
        data = tail(data, query.tail_lines)
        left = query.limit_bytes
        while True:
            data = data if left is None else data[:left]
            left = None if left is None else left - len(data)
            if data:
                await response.write(data)
            now = again() if query.follow and left != 0 else None
            if now is None or now.path != log.path:
                return
            ended = not now.running
            await asyncio.sleep(0 if ended else FOLLOW_S)
            data, position = _read(log.path, position)
            if ended and not data:
                return


def _read(path: Path, position: int) -> tuple[bytes, int]:
    try:
        with path.open("rb") as file:
            if path.stat().st_size < position:
                position = 0  # the log was cut
            file.seek(position)
            data = file.read()
    except OSError:
        return b"", position
    return data, position + len(data)


def _changed_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


@web.middleware
async def _from_here(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    transport = request.transport
    here = transport.get_extra_info("sockname") if transport else None
    peer = transport.get_extra_info("peername") if transport else None
    if here is None or peer is None or here[0] != peer[0]:
        return web.Response(status=403, text="only the site's own namespace is answered\n")
    return await handler(request)


def server_tls(identity: tuple[Path, Path]) -> ssl.SSLContext:
    """The API server does not verify a kubelet's certificate unless told to; the node's own will do."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*identity)
    return context


async def serve_kubelet(
    kubelet: Kubelet, settings: AgentSettings, identity: tuple[Path, Path]
) -> web.AppRunner:
    """Listen on the node's address. Raises `OSError`."""
    runner = web.AppRunner(kubelet.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    address = str(node_address(settings))
    site = web.TCPSite(
        runner, address, settings.kubelet_port, ssl_context=server_tls(identity), reuse_address=True
    )
    await site.start()
    return runner
