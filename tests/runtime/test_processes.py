"""Processes are known by pid and start time, found by their mark, and ended without hitting a stranger."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.processes import (
    MARK,
    Launch,
    Process,
    end_processes,
    is_alive,
    marked_processes,
    signal_process,
    start_process,
    start_ticks,
    wait_gone,
)

LIMIT_S = 10
SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('set', flush=True); time.sleep(60)"
PARENT = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True); time.sleep(60)"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def begin(code: str, **environ: str) -> Process:
        launch = Launch(
            argv=(sys.executable, "-c", code), environ=environ, cwd="/", log=str(tmp_path / "log")
        )
        started.append(start_process(launch))
        return started[-1]

    yield begin
    end_processes(started, signum=signal.SIGKILL, grace_s=LIMIT_S)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_is_detached_and_logs_to_its_file(start: Callable[..., Process], tmp_path: Path) -> None:
    """A process has its own session, its output in a file of mode 0600."""
    process = start("import os; print('sid', os.getsid(0) == os.getpid())")
    assert wait_gone([process], timeout_s=LIMIT_S) == []
    log = tmp_path / "log"
    assert log.read_text() == "sid True\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_an_ended_process_is_not_alive(start: Callable[..., Process]) -> None:
    """It is reaped, too."""
    process = start(SLEEP)
    assert is_alive(process)
    end_processes([process], signum=signal.SIGTERM, grace_s=LIMIT_S)
    assert not is_alive(process)
    assert not Path(f"/proc/{process.pid}").exists()


def test_a_reused_pid_is_never_signalled(start: Callable[..., Process]) -> None:
    """The same pid with another start time is somebody else."""
    process = start(SLEEP)
    other = Process(pid=process.pid, start_ticks=process.start_ticks + 1)
    assert not signal_process(other.pid, other.start_ticks, signal.SIGKILL)
    assert is_alive(process)
    assert start_ticks(process.pid) == process.start_ticks


def test_a_stubborn_process_is_killed_after_its_grace(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    """Ignoring SIGTERM helps for a while only."""
    process = start(STUBBORN)
    until(lambda: "set" in (tmp_path / "log").read_text())
    end_processes([process], signum=signal.SIGTERM, grace_s=0.1)
    assert not is_alive(process)


def test_the_mark_finds_children_nobody_recorded(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    """A grandchild in a session of its own carries the mark; processes of other marks are left out."""
    mark = str(tmp_path)
    parent = start(PARENT, **{MARK: mark})
    start(SLEEP, **{MARK: f"{mark}-other"})
    until(lambda: len(marked_processes(mark)) == 2)
    found = marked_processes(mark)
    assert parent in found
    end_processes(found, signum=signal.SIGKILL, grace_s=LIMIT_S)
    assert marked_processes(mark) == []


def test_a_zombie_is_not_alive() -> None:
    """Ended but not yet reaped counts as ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_ticks(child.pid) is None
    child.wait()
