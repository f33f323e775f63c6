"""Starting a plan: order, readiness, and what is said when one process fails."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.cloud import ProcessRecord
from local import launch
from local.launch import Launcher, StartError
from local.plan import ProcessSpec
from runtime.processes import Process, end_processes, is_alive

READY = (
    "import json, os, sys, time; open(sys.argv[1] + '.tmp', 'w').write(json.dumps({'schema': 1, 'name': 'x',"
    " 'pid': os.getpid(), 'addresses': {}})); os.rename(sys.argv[1] + '.tmp', sys.argv[1]); time.sleep(60)"
)
DIES = "import sys; print('could not open the thing'); sys.exit(3)"
TAKEN = "print('[Errno 98] error while attempting to bind: address already in use'); raise SystemExit(3)"
SILENT = "import time; time.sleep(60)"


class Bench:
    """Specs in a scratch directory, and what was recorded of them."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.records: list[ProcessRecord] = []
        self.said: list[str] = []

    def spec(
        self, name: str, code: str, *, after: tuple[str, ...] = (), ready: bool = True
    ) -> ProcessSpec:
        path = str(self.scratch / f"{name}.ready")
        return ProcessSpec(
            name=name, role="ads", site="public", argv=(sys.executable, "-c", code, path), environ={},
            cwd="/", log=str(self.scratch / f"{name}.log"), ready=path if ready else "", after=after,
        )  # fmt: skip

    def launcher(self, confirm: launch.Confirm = lambda _spec, _check: None) -> Launcher:
        return Launcher(
            prepare=lambda _spec: None, confirm=confirm, record=self.records.append, progress=self.said.append
        )  # fmt: skip

    def alive(self) -> dict[str, bool]:
        return {
            it.name: is_alive(Process(pid=it.pid, start_ticks=it.start_ticks))
            for it in self.records
        }


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    it = Bench(tmp_path)
    yield it
    end_processes(
        [Process(pid=r.pid, start_ticks=r.start_ticks) for r in it.records],
        signum=signal.SIGKILL, grace_s=5,
    )  # fmt: skip


def test_each_starts_once_what_it_needs_is_ready(bench: Bench) -> None:
    """A chain starts in order; all are recorded, alive and ready at the end."""
    specs = [
        bench.spec("c", READY, after=("b",)),
        bench.spec("b", READY, after=("a", "elsewhere")),
        bench.spec("a", READY),
    ]
    bench.launcher().start(specs)
    assert [record.name for record in bench.records] == ["a", "b", "c"]
    assert bench.alive() == {"a": True, "b": True, "c": True}


def test_a_stale_ready_file_is_not_believed(bench: Bench) -> None:
    """The ready file of the one before says nothing about this one."""
    spec = bench.spec("a", DIES)
    Path(spec.ready).write_text('{"name":"a","pid":1,"addresses":{}}')
    with pytest.raises(StartError):
        bench.launcher().start([spec])


def test_a_process_that_dies_is_named_with_its_last_words(bench: Bench) -> None:
    """The error shows which, where its log is and what stands there; what waited for it is not started."""
    specs = [bench.spec("a", DIES), bench.spec("b", READY, after=("a",))]
    with pytest.raises(
        StartError, match=r"a: ended before it was ready[\s\S]*could not open the thing"
    ) as failure:
        bench.launcher().start(specs)
    assert not failure.value.port_taken
    assert [record.name for record in bench.records] == ["a"]


def test_a_taken_port_is_told_apart(bench: Bench) -> None:
    """So that the caller can try another."""
    with pytest.raises(StartError) as failure:
        bench.launcher().start([bench.spec("a", TAKEN)])
    assert failure.value.port_taken


def test_one_that_never_gets_ready_is_given_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readiness has a bound."""
    monkeypatch.setattr(launch, "READY_S_MAX", 0.2)
    with pytest.raises(StartError, match="not ready within"):
        bench.launcher().start([bench.spec("a", SILENT)])


def test_a_program_that_is_not_there_is_an_error_of_its_name(bench: Bench) -> None:
    """Not a traceback of the launcher."""
    spec = ProcessSpec(
        name="a", role="ads", site="public", argv=("/nonexistent/program",), environ={}, cwd="/",
        log=str(bench.scratch / "a.log"), ready=str(bench.scratch / "a.ready"),
    )  # fmt: skip
    with pytest.raises(StartError, match="a: cannot be started"):
        bench.launcher().start([spec])


def test_an_engine_is_confirmed_by_asking_it(bench: Bench) -> None:
    """Without a ready file, `confirm` decides, and learns when the process has died meanwhile."""

    def confirm(_spec: ProcessSpec, check: Callable[[], None]) -> None:
        while True:
            check()
            os.sched_yield()

    with pytest.raises(StartError, match="ended before it was ready"):
        bench.launcher(confirm).start([bench.spec("engine", DIES, ready=False)])
    bench.launcher().start([bench.spec("engine2", SILENT, ready=False)])
    assert bench.alive()["engine2"]
