"""Start the processes of a plan, each as soon as what it needs is ready, all others at the same time."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

from contracts.cloud import ProcessRecord
from local.plan import ProcessSpec
from runtime.processes import Launch, Process, is_alive, start_process
from runtime.ready import read_ready

READY_S_MAX = 60.0
"""A broker is up in 2 s on an idle machine and 8 s on a busy one; a minute means that it will not come."""
POLL_S = 0.02
LOG_LINES_SHOWN = 12
ENGINES = frozenset({"kafka-public", "kafka-private", "postgres"})
PORT_TAKEN = "address already in use"


class StartError(Exception):
    """A process did not come up; `port_taken` if another one had its port."""

    def __init__(self, name: str, why: str, log: str) -> None:
        self.name = name
        text = tail_of(log)
        self.port_taken = PORT_TAKEN in text.lower()
        shown = "\n".join(f"    {line}" for line in text.splitlines()[-LOG_LINES_SHOWN:])
        super().__init__(f"{name}: {why}; its last log lines ({log}):\n{shown or '    (none)'}")


class CancelledError(Exception):
    """Another process failed first."""


Prepare = Callable[[ProcessSpec], None]
"""Make what the process needs on disk."""
Confirm = Callable[[ProcessSpec, Callable[[], None]], None]
"""Return once an engine serves; calls its second argument while waiting, which raises if it should give up."""
Record = Callable[[ProcessRecord], None]


class Launcher:
    """Starts specs in threads of its own; `record` is called the moment a process exists."""

    def __init__(
        self, *, prepare: Prepare, confirm: Confirm, record: Record, progress: Callable[[str], None]
    ) -> None:
        self._prepare = prepare
        self._confirm = confirm
        self._record = record
        self._progress = progress
        self._cancelled = threading.Event()

    def start(self, specs: Iterable[ProcessSpec]) -> None:
        """Start all and wait until each is ready. Raises the first `StartError`; others are then given up."""
        asked = tuple(specs)
        if asked:
            self._progress(f"starting {len(asked)} processes")
        ready = {spec.name: threading.Event() for spec in asked}
        with ThreadPoolExecutor(max(1, len(asked)), thread_name_prefix="start") as pool:
            futures = [pool.submit(self._start_one, spec, ready) for spec in asked]
            try:
                # in short waits, so that a signal reaches the main thread
                while not _all_done(futures):
                    pass
            finally:
                self._cancelled.set()
        for future in futures:
            error = future.exception()
            if error is not None and not isinstance(error, CancelledError):
                raise error
        for future in futures:
            future.result()

    def _start_one(self, spec: ProcessSpec, ready: dict[str, threading.Event]) -> None:
        for name in spec.after:
            while name in ready and not ready[name].wait(POLL_S):
                self._give_up_if_cancelled()
        self._give_up_if_cancelled()
        self._prepare(spec)
        if spec.ready:
            Path(spec.ready).unlink(missing_ok=True)
        process = start_spec(spec)
        self._record(record_of(spec, process))
        self._wait_ready(spec, process)
        ready[spec.name].set()
        if spec.name in ENGINES and all(name in ready and ready[name].is_set() for name in ENGINES):
            self._progress("Kafka of both sites and PostgreSQL are ready")

    def _wait_ready(self, spec: ProcessSpec, process: Process) -> None:
        deadline = time.monotonic() + READY_S_MAX

        def check() -> None:
            self._give_up_if_cancelled()
            if not is_alive(process):
                raise StartError(spec.name, "ended before it was ready", spec.log)
            if time.monotonic() > deadline:
                raise StartError(spec.name, f"not ready within {READY_S_MAX:g} s", spec.log)

        if spec.ready:
            while read_ready(Path(spec.ready)) is None:
                check()
                time.sleep(POLL_S)
        else:
            self._confirm(spec, check)

    def _give_up_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise CancelledError


def _all_done(futures: list[Future[None]]) -> bool:
    done, waiting = wait(futures, timeout=0.1, return_when=FIRST_EXCEPTION)
    return not waiting or any(future.exception() is not None for future in done)


def start_spec(spec: ProcessSpec | ProcessRecord) -> Process:
    """Start one process. Raises `StartError`."""
    inherit = spec.inherit if isinstance(spec, ProcessSpec) else not spec.user
    launch = Launch(
        argv=spec.argv, environ=spec.environ, cwd=spec.cwd, log=spec.log, user=spec.user,
        inherit=inherit,
    )  # fmt: skip
    try:
        return start_process(launch)
    except OSError as error:
        raise StartError(spec.name, f"cannot be started: {error}", spec.log) from error


def record_of(spec: ProcessSpec, process: Process) -> ProcessRecord:
    """What the state keeps of a started process."""
    return ProcessRecord(
        name=spec.name, role=spec.role, site=spec.site, pid=process.pid,
        start_ticks=process.start_ticks, argv=spec.argv, environ=spec.environ, cwd=spec.cwd,
        log=spec.log, ready=spec.ready, user=spec.user,
    )  # fmt: skip


def tail_of(log: str, *, bytes_max: int = 8192) -> str:
    """The end of a log file."""
    try:
        data = Path(log).read_bytes()
    except OSError:
        return ""
    return data[-bytes_max:].decode(errors="replace")
