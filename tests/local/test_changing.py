"""What of a running cloud is restarted when another is asked for."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from contracts.cloud import ProcessRecord
from local.changing import files_are, to_restart
from local.launch import record_of
from local.plan import ProcessSpec
from runtime.processes import Launch, Process, end_processes, start_process


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[ProcessSpec, ProcessRecord]]:
    """One process as a plan has it."""
    settings = tmp_path / "settings.json"
    settings.write_text("{}")
    spec = ProcessSpec(
        name="router-core", role="router", site="private",
        argv=(sys.executable, "-c", "import time; time.sleep(60)"), environ={"A": "1"}, cwd="/",
        log=str(tmp_path / "log"), files={str(settings): "{}"},
    )  # fmt: skip
    process = start_process(Launch(argv=spec.argv, environ=spec.environ, cwd="/", log=spec.log))
    yield spec, record_of(spec, process)
    end_processes([process], signum=signal.SIGKILL, grace_s=5)


def test_what_is_as_planned_is_left_alone(running: tuple[ProcessSpec, ProcessRecord]) -> None:
    """Alive, same command line, same files: nothing to do."""
    spec, record = running
    assert to_restart((spec,), (record,)) == ()


def test_whatever_differs_is_restarted(running: tuple[ProcessSpec, ProcessRecord]) -> None:
    """Another argument, environment or settings text, a dead or a missing process."""
    spec, record = running
    (path,) = spec.files
    changes = {
        "argv": (*spec.argv, "--flag"),
        "environ": {"A": "2"},
        "files": {path: '{"disable":["scan"]}'},
    }
    for name, value in changes.items():
        other = msgspec.structs.replace(spec, **{name: value})
        assert to_restart((other,), (record,)) == (other,), name
    dead = msgspec.structs.replace(record, start_ticks=record.start_ticks + 1)
    assert to_restart((spec,), (dead,)) == (spec,)
    assert to_restart((spec,), ()) == (spec,)


def test_files_are_compared_by_content(tmp_path: Path) -> None:
    """A missing file differs."""
    path = tmp_path / "a"
    assert not files_are({str(path): "x"})
    path.write_text("x")
    assert files_are({str(path): "x"})
    assert not files_are({str(path): "y"})


def test_a_reused_pid_is_no_running_process(running: tuple[ProcessSpec, ProcessRecord]) -> None:
    """The record's start time decides."""
    spec, record = running
    assert Process(pid=record.pid, start_ticks=record.start_ticks).start_ticks > 0
    reused = msgspec.structs.replace(record, start_ticks=1)
    assert to_restart((spec,), (reused,)) == (spec,)
