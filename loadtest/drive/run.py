"""A driven run from its plan to `run.json`: starts the workers together, watches machine and workers, collects.

with Drive(loaded, directory) as drive:
    drive.wait(lambda second: ...)
    run = drive.finish()
"""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec

from contracts.drive import DriveRun, WorkerSummary
from loadtest.drive.document import Loaded
from loadtest.drive.kinds import idempotent, manifest
from loadtest.drive.machine import Machine
from loadtest.sink import LineFile

START_S = 30.0
"""Importing and reading the feeds takes a second or two."""
LEAD_S = 0.3
"""From the last worker's `ready` to the first request: all are told in time."""
END_S = 30.0
"""Beyond the time-outs of an order's retries, which are three of a request's."""
POLL_S = 0.02


class DriveError(Exception):
    """The run could not be made: a worker did not start, or the directory cannot be written."""


def prepare(loaded: Loaded, directory: Path, base: Path) -> int:
    """Write `plan.json` (files by absolute path, from `base`) and `canaries.ndjson`; how many canaries."""
    directory.mkdir(parents=True, exist_ok=True)
    plan = msgspec.structs.replace(
        loaded.plan,
        feeds={
            name: msgspec.structs.replace(feed, file=str((base / feed.file).resolve()))
            if feed.file else feed
            for name, feed in loaded.plan.feeds.items()
        },
        profile=tuple(
            msgspec.structs.replace(segment, file=str((base / segment.file).resolve()))
            if segment.file else segment
            for segment in loaded.plan.profile
        ),
    )  # fmt: skip
    (directory / "plan.json").write_bytes(msgspec.json.format(msgspec.json.encode(plan)) + b"\n")
    count = 0
    with contextlib.closing(LineFile(directory / "canaries.ndjson")) as file:
        for canary in manifest(plan):
            file.add(canary)
            count += 1
    return count


class Drive:
    """A run under way; `prepare` has been called on its directory. Leaving the context ends its workers."""

    def __init__(self, loaded: Loaded, directory: Path) -> None:
        self._loaded = loaded
        self._directory = directory
        self._workers: list[subprocess.Popen[str]] = []
        self._files = contextlib.ExitStack()
        self._stopped = ""
        self.started_mono_ns = 0
        self._started_wall_ms = 0

    def __enter__(self) -> Self:
        """Start the workers and the run. Raises `DriveError`."""
        try:
            for name in ("run.json", *(f"worker-{n}.json" for n in range(64))):
                (self._directory / name).unlink(missing_ok=True)
            for worker in range(self._loaded.plan.workers):
                self._workers.append(self._start(worker))
            deadline_s = time.monotonic() + START_S
            for worker, process in enumerate(self._workers):
                self._await_ready(worker, process, deadline_s)
            self._machine = Machine()
            self._lines = LineFile(self._directory / "machine.ndjson")
            self._files.callback(self._lines.close)
            self.started_mono_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
            self._started_wall_ms = time.time_ns() // 10**6 + int(LEAD_S * 1000)
            for process in self._workers:
                self._say(process, str(self.started_mono_ns))
        except OSError as error:
            self.__exit__()
            raise DriveError(f"{self._directory}: {error}") from error
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the workers, politely first, and give everything back."""
        for process in self._workers:
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        for process in self._workers:
            try:
                process.wait(timeout=self._loaded.plan.timeout_s + 1)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._files.close()

    def _start(self, worker: int) -> subprocess.Popen[str]:
        log = (self._directory / f"worker-{worker}.log").open("w")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", "loadtest.drive.worker", str(self._directory), str(worker)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip

    def _await_ready(self, worker: int, process: subprocess.Popen[str], deadline_s: float) -> None:
        assert process.stdout is not None  # noqa: S101  # asked for above
        said = process.stdout.readline() if time.monotonic() < deadline_s else ""
        if said.strip() != "ready":
            log = self._directory / f"worker-{worker}.log"
            tail = " / ".join(log.read_text(errors="replace").splitlines()[-3:])
            raise DriveError(f"worker {worker} did not start: {tail or 'no word'}; its log: {log}")

    def _say(self, process: subprocess.Popen[str], text: str) -> None:
        assert process.stdin is not None  # noqa: S101  # asked for above
        with contextlib.suppress(
            BrokenPipeError
        ):  # a worker that died is found by its missing summary
            process.stdin.write(text + "\n")
            process.stdin.flush()

    @property
    def pids(self) -> tuple[int, ...]:
        """The workers' processes."""
        return tuple(process.pid for process in self._workers)

    def elapsed_s(self) -> float:
        """Seconds since the first intended instant, negative before it."""
        return (time.monotonic_ns() - self.started_mono_ns) / 1e9

    def stop(self, why: str) -> None:
        """Send nothing new; the run is then one that was cut short."""
        self._stopped = self._stopped or why
        for process in self._workers:
            self._say(process, "stop")

    def wait(self, on_second: Callable[[int], None], *, until_s: float | None = None) -> None:
        """Watch until every worker has ended, or `until_s` of the run have passed; `on_second` is called each second."""
        end_s = self._loaded.duration_s + self._loaded.plan.timeout_s * 3 + END_S
        while any(process.poll() is None for process in self._workers):
            elapsed_s = self.elapsed_s()
            if (until_s is not None and elapsed_s >= until_s) or elapsed_s > end_s:
                return
            self._each_second(elapsed_s, on_second)
            time.sleep(POLL_S)

    def _each_second(self, elapsed_s: float, on_second: Callable[[int], None]) -> None:
        while elapsed_s >= self._next_second:
            self._lines.write(self._machine.second(self._next_second))
            on_second(self._next_second)
            self._next_second += 1

    _next_second = 0

    def finish(self) -> DriveRun:
        """Wait for the end and write `run.json`, last and atomically. Raises `DriveError`."""
        self.wait(lambda _: None)
        run = self._collect()
        try:
            scratch = self._directory / "run.json.tmp"
            scratch.write_bytes(msgspec.json.format(msgspec.json.encode(run)) + b"\n")
            scratch.replace(self._directory / "run.json")
        except OSError as error:
            raise DriveError(f"{self._directory}: {error}") from error
        return run

    def _collect(self) -> DriveRun:
        plan = self._loaded.plan
        summaries: list[WorkerSummary] = []
        for worker in range(plan.workers):
            path = self._directory / f"worker-{worker}.json"
            if path.exists():
                summaries.append(msgspec.json.decode(path.read_bytes(), type=WorkerSummary))
        ended = {summary.worker for summary in summaries}
        return DriveRun(
            run=plan.run, seed=plan.seed, workers=plan.workers,
            started_mono_ns=self.started_mono_ns, started_wall_ms=self._started_wall_ms,
            ended_mono_ns=max((it.ended_mono_ns for it in summaries), default=time.monotonic_ns()),
            phases=self._loaded.phases,
            classes={it.name: it.traffic for it in plan.requests},
            services={it.name: it.service or it.name for it in plan.requests},
            idempotent=tuple(it.name for it in plan.requests if idempotent(it)),
            orders=tuple(it.name for it in plan.requests if it.kind == "order"),
            summaries=tuple(summaries),
            lost_workers=tuple(n for n in range(plan.workers) if n not in ended),
            stopped=self._stopped,
        )  # fmt: skip


def interrupting(drive: Drive) -> contextlib.AbstractContextManager[None]:
    """While in force, SIGINT and SIGTERM stop the run instead of ending the process."""
    return _Interrupting(drive)


class _Interrupting:
    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    def __enter__(self) -> None:
        self._before = {
            signum: signal.signal(signum, lambda number, _: self._drive.stop(signal.Signals(number).name))
            for signum in (signal.SIGINT, signal.SIGTERM)
        }  # fmt: skip

    def __exit__(self, *_: object) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)
