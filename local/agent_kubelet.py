"""The node's kubelet port: logs for `kubectl logs`, resource metrics for metrics-server, over TLS.

Only the site's own namespace is answered (the API server and metrics-server live there): such a peer's address is the
very address it called, which nobody outside can have. When a log line was written is `agent_log`'s answer.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
from aiohttp import web

from local.agent_cgroup import Usage
from local.agent_log import LogQuery, Teller, chosen, lines_of, parse_query, since_ns
from local.agent_log_files import read_log, read_times
from local.agent_settings import AgentSettings, node_address

FOLLOW_S = 0.2


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
        teller = Teller(query)
        data, start = read_log(log.path, 0)
        times = read_times(log.path)
        since = since_ns(query, self._clock())
        lines = chosen(lines_of(data, start), times, query=query, since=since)
        while True:
            if told := teller.tell(lines, times):
                await response.write(told)
            now = again() if query.follow and not teller.is_full else None
            if now is None or now.path != log.path:
                return
            ended = not now.running
            await asyncio.sleep(0 if ended else FOLLOW_S)
            data, start = read_log(log.path, start + len(data))
            if ended and not data:
                return
            times = read_times(log.path)
            lines = list(lines_of(data, start))


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
