"""Run a router: settings to sockets to ready file; one process, or a supervisor when there are more workers."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import structlog
import uvloop

from contracts.settings import RouterSettings
from router.doors import address_of, bind, serve_tcp, serve_unix
from router.generation import ConfigError
from router.pages import admin_app, probe_app
from router.settings import load_settings
from router.supervisor import supervise, worker_socket
from router.swap import load_files
from router.worker import Worker
from runtime.logs import set_up_logs
from runtime.ready import write_ready
from runtime.shutdown import stop_event

USAGE = 2
ENVIRONMENT = 3
PARENT_CHECK_S = 1.0

log = structlog.stdlib.get_logger()


def run_router(settings_file: Path, *, worker: str = "", listen: str = "") -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code: 0, 2 for configuration, 3 for the environment.

    `worker` and `listen` are how a supervisor starts its own: its name and the address already chosen.
    """
    try:
        settings = load_settings(settings_file)
        set_up_logs(settings.name)
        if settings.disable:
            log.warning("router.disabled", mechanisms=list(settings.disable))
        if worker:
            return _loop(lambda: _run_worker(settings, worker=worker, listen=listen))
        # Compiled before anything is bound, so that a bad file leaves nothing half-started.
        load_files(settings, 1)
        if settings.workers > 1:
            return _loop(lambda: supervise(settings, settings_file))
        return _loop(lambda: _run_single(settings))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    except OSError as error:
        sys.stderr.write(
            f"{settings_file}: {error}; expected free addresses and writable directories; "
            "fix: change listen, probe, admin or evidence, or stop what holds them\n"
        )
        return ENVIRONMENT


def _loop(main: Callable[[], Coroutine[None, None, int]]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


async def _run_single(settings: RouterSettings) -> int:
    stop = stop_event(asyncio.get_running_loop())
    worker = Worker(settings, load_files(settings, 1), worker="w0")
    listener = bind(settings.listen)
    async with (
        worker.serving(listener),
        serve_tcp(probe_app(worker), settings.probe) as probe,
        serve_unix(admin_app(worker), Path(settings.admin)),
    ):
        http = address_of(listener)
        write_ready(
            Path(settings.ready),
            settings.name,
            {"http": http, "probe": probe, "admin": settings.admin},
        )
        log.info("router.serving", http=http, probe=probe, placement=settings.placement)
        await stop.wait()
        log.info("router.draining")
    return 0


async def _run_worker(settings: RouterSettings, *, worker: str, listen: str) -> int:
    stop = stop_event(asyncio.get_running_loop())
    running = Worker(settings, load_files(settings, 1), worker=worker)
    listener = bind(listen, reuse_port=True)
    async with (
        running.serving(listener),
        serve_unix(admin_app(running), worker_socket(settings, worker)),
    ):
        # A worker whose supervisor was killed would serve unwatched for ever: it ends with it.
        parent = os.getppid()
        while not stop.is_set() and os.getppid() == parent:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PARENT_CHECK_S)
    return 0
