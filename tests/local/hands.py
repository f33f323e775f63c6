"""A pod's hands in memory: what the worker asks for is kept, processes are entries of a table."""

import asyncio
import contextlib

from local.agent_api import ApiError
from local.agent_container import StartError
from local.agent_files import PodFiles
from local.agent_probing import ExecTarget
from local.agent_resolve import ConfigError, Sources
from local.agent_sandbox import NetworkError, Sandbox
from local.agent_slot import Absent, Exited, Running
from local.agent_worker import Means, PodWorker

SANDBOX = Sandbox(namespace="n", interface="i", address="127.0.0.1")


class FakeHands:
    """Does what `PodHands` does, without a machine; `failures` are raised by the next call of that name."""

    def __init__(self, tmp_path, uid: str) -> None:
        self.files = PodFiles(tmp_path, uid)
        self.sandbox = None
        self.seen: dict[str, object] = {}
        self.done: list[str] = []
        self.failures: dict[str, Exception] = {}
        self.there = True
        self.obeys = True

    @property
    def address(self) -> str:
        return self.sandbox.address if self.sandbox else ""

    def _do(self, name: str, *words: str) -> None:
        self.done.append(" ".join((name, *words)))
        if error := self.failures.pop(name, None):
            raise error

    def adopt(self, sandbox) -> bool:
        self.sandbox = sandbox if self.there else None
        return self.sandbox is not None

    async def set_up(self, _pod, _sources) -> None:
        self._do("set_up")
        self.sandbox = SANDBOX

    def write_volumes(self, _pod, _sources) -> None:
        self._do("write_volumes")

    async def apply_rules(self, _pod) -> None:
        self._do("apply_rules")

    async def start(self, _pod, start, _sources) -> None:
        self._do("start", start.name, str(start.attempt))
        self.seen[start.name] = Running(started_s=1.0)

    def look(self, state):
        return {slot.name: self.seen.get(slot.name, Absent()) for slot in state.slots}

    def target(self, _slot) -> ExecTarget:
        return ExecTarget(("/usr/bin/env",))

    async def run_hook(self, _slot, command) -> None:
        self._do("hook", *command)

    def terminate(self, slot) -> None:
        self._do("terminate", slot.name)
        if self.obeys:
            self.exit(slot.name, 143)

    def kill(self, name) -> None:
        self._do("kill", name)
        self.seen[name] = Absent()

    async def tear_down(self) -> None:
        self._do("tear_down")
        self.sandbox = None

    def exit(self, name: str, code: int) -> None:
        self.seen[name] = Exited(code=code, started_s=1.0, finished_s=2.0)


class FakeReporter:
    """Keeps what is reported; `failures` are raised first."""

    def __init__(self) -> None:
        self.statuses: list = []
        self.finished = 0
        self.failures: list[ApiError] = []

    async def report(self, _pod, status) -> None:
        if self.failures:
            raise self.failures.pop()
        self.statuses.append(status)

    async def finish(self, _pod) -> None:
        if self.failures:
            raise self.failures.pop()
        self.finished += 1

    async def sources(self, _pod, *, now_s: float) -> Sources:
        assert now_s > 0
        return Sources()


class Clock:
    """Wall-clock seconds that only tests move."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@contextlib.asynccontextmanager
async def working(tmp_path, pod, *, record=None, hands=None):
    """A worker that runs; ended with the block."""
    hands = hands or FakeHands(tmp_path, pod.metadata.uid)
    reporter, clock = FakeReporter(), Clock()
    means = Means(reporter=reporter, clock=clock, host_ip="10.97.1.254", back_off_s=10.0)
    worker = PodWorker(pod, hands, means=means)
    if record is not None:
        worker.adopt(record)
    task = asyncio.get_running_loop().create_task(worker.run())
    try:
        async with asyncio.timeout(20):
            yield worker, hands, reporter, clock, task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition) -> None:
    while not condition():  # noqa: ASYNC110 -- what other tasks do
        await asyncio.sleep(0.01)


__all__ = [
    "SANDBOX", "Clock", "ConfigError", "FakeHands", "FakeReporter", "NetworkError", "StartError",
    "until", "working",
]  # fmt: skip
