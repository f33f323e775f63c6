"""Several workers on one port (SO_REUSEPORT): started, watched, restarted with back-off, shown as one.

The supervisor handles no request. Its pages ask the workers over their admin sockets; a dead worker's
counters are kept as last seen, at most a second before its end.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web

from contracts.settings import RouterSettings
from router.doors import address_of, bind, serve_tcp, serve_unix
from router.merge import merge
from router.pages import json_answer, metrics_answer
from runtime.ready import write_ready
from runtime.shutdown import stop_event

BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 5.0
STEADY_S = 10.0
"""A worker that lived this long starts its back-off anew when it dies."""
SCRAPE_S = 1.0
ASK_S = 3.0
"""A worker that does not answer its admin socket in this time counts as not ready."""
START_S = 30.0

log = structlog.stdlib.get_logger()


def backoff_s(deaths: int) -> float:
    """How long to wait before the start after `deaths` in a row (from 1)."""
    return min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** (deaths - 1))


def worker_socket(settings: RouterSettings, worker: str) -> Path:
    """Where a worker answers its supervisor."""
    return Path(f"{settings.admin}.{worker}")


class Supervisor:
    """The workers of one router."""

    def __init__(self, settings: RouterSettings, settings_file: Path, http: str) -> None:
        self._settings = settings
        self._file = settings_file
        self._http = http
        self._names = tuple(f"w{number}" for number in range(settings.workers))
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._last: dict[str, bytes] = {}
        self._retired = b""
        self._stopping = False

    async def keep(self, name: str) -> None:
        """Keep one worker running until stopped."""
        loop = asyncio.get_running_loop()
        deaths = 0
        while not self._stopping:
            began_s = loop.time()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "router", "--settings", str(self._file),
                "--worker", name, "--listen", self._http,
            )  # fmt: skip
            self._processes[name] = process
            code = await process.wait()
            self._processes.pop(name, None)
            self._retire(name)
            if self._stopping:
                return
            deaths = 1 if loop.time() - began_s > STEADY_S else deaths + 1
            log.error("router.worker_died", worker=name, code=code, deaths=deaths)
            await asyncio.sleep(backoff_s(deaths))

    def _retire(self, name: str) -> None:
        last = self._last.pop(name, b"")
        if last:
            self._retired = merge((self._retired, last), counters_only=True)

    async def scrape(self) -> None:
        """Remember every worker's counters, for ever."""
        while True:
            await asyncio.sleep(SCRAPE_S)
            await self.refresh()

    async def refresh(self) -> None:
        """Ask every worker for its exposition now."""
        for name in self._names:
            answer = await self._ask(name, "GET", "/metrics")
            if answer is not None and answer[0] == 200:
                self._last[name] = answer[1]

    async def _ask(
        self, name: str, method: str, path: str, body: bytes = b""
    ) -> tuple[int, bytes] | None:
        connector = aiohttp.UnixConnector(str(worker_socket(self._settings, name)))
        limit = aiohttp.ClientTimeout(total=ASK_S)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=limit) as session,
                session.request(method, f"http://worker{path}", data=body or None) as answer,
            ):
                return answer.status, await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None

    async def ready(self) -> bool:
        """Whether every worker serves."""
        answers = [await self._ask(name, "GET", "/readyz") for name in self._names]
        return all(answer is not None and answer[0] == 200 for answer in answers)

    def signal(self, number: signal.Signals) -> None:
        """Pass a signal on."""
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    async def stop(self) -> None:
        """Drain and end every worker; those that outlive their time are killed."""
        self._stopping = True
        self.signal(signal.SIGTERM)
        waits = [process.wait() for process in self._processes.values()]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*waits), self._settings.limits.drain_s + 5)
        self.signal(signal.SIGKILL)

    # ------------------------------------------------------------- pages

    def probe_app(self) -> web.Application:
        """The probe port, for all workers."""
        app = web.Application()
        app.add_routes(self._probe_routes())
        return app

    def admin_app(self) -> web.Application:
        """The admin socket, for all workers: reads ask the first, orders go to all."""
        app = web.Application(client_max_size=1 << 20)
        one, everyone = self._from_first, self._from_all
        app.add_routes(
            [
                *self._probe_routes(),
                *(web.get(path, one("GET", path)) for path in ("/sites",)),
                web.get("/config", self._config),
                web.post("/explain", one("POST", "/explain")),
                *(web.post(path, everyone(path)) for path in ("/drain", "/reload")),
            ]
        )
        return app

    def _probe_routes(self) -> list[web.RouteDef]:
        async def healthz(_request: web.Request) -> web.Response:
            return web.Response(text="ok\n")

        async def metrics(_request: web.Request) -> web.Response:
            await self.refresh()
            return metrics_answer(merge((self._retired, *self._last.values())))

        async def readyz(request: web.Request) -> web.Response:
            if not await self.ready():
                return web.Response(text="not every worker is ready\n", status=503)
            return await self._from_first("GET", "/readyz")(request)

        return [
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/metrics", metrics),
        ]

    async def _config(self, _request: web.Request) -> web.Response:
        return json_answer(self._settings)

    def _from_first(
        self, method: str, path: str
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def respond(request: web.Request) -> web.Response:
            body = await request.read()
            for name in self._names:
                if answer := await self._ask(name, method, path, body):
                    return _json(answer)
            return web.Response(text="no worker answers\n", status=503)

        return respond

    def _from_all(self, path: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def respond(_request: web.Request) -> web.Response:
            answers = [await self._ask(name, "POST", path) for name in self._names]
            worst = max(answers, key=lambda answer: answer[0] if answer else 599)
            return _json(worst) if worst else web.Response(text="a worker is gone\n", status=503)

        return respond


def _json(answer: tuple[int, bytes]) -> web.Response:
    return web.Response(status=answer[0], body=answer[1], content_type="application/json")


async def supervise(settings: RouterSettings, settings_file: Path) -> int:
    """Run the workers until SIGTERM or SIGINT; returns the exit code."""
    loop = asyncio.get_running_loop()
    stop = stop_event(loop)
    # Bound but never listening: it holds the port for the workers and takes no connection.
    held = bind(settings.listen, reuse_port=True)
    http = address_of(held)
    supervisor = Supervisor(settings, settings_file, http)
    loop.add_signal_handler(signal.SIGHUP, supervisor.signal, signal.SIGHUP)
    tasks = [loop.create_task(supervisor.keep(f"w{n}")) for n in range(settings.workers)]
    tasks.append(loop.create_task(supervisor.scrape()))
    try:
        async with (
            serve_tcp(supervisor.probe_app(), settings.probe) as probe,
            serve_unix(supervisor.admin_app(), Path(settings.admin)),
        ):
            await _until_ready(supervisor, stop)
            addresses = {"http": http, "probe": probe, "admin": settings.admin}
            if not stop.is_set():
                write_ready(Path(settings.ready), settings.name, addresses)
            await stop.wait()
            await supervisor.stop()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        held.close()
    return 0


async def _until_ready(supervisor: Supervisor, stop: asyncio.Event) -> None:
    """Wait for all workers. Raises `OSError` when they do not come up."""
    deadline_s = asyncio.get_running_loop().time() + START_S
    while not stop.is_set() and not await supervisor.ready():
        if asyncio.get_running_loop().time() > deadline_s:
            await supervisor.stop()
            raise OSError(f"workers not ready within {START_S:g} s")
        await asyncio.sleep(0.05)
