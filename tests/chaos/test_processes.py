"""Twin of chaos/processes.py."""

import os
import signal
import subprocess
import sys

import pytest

from chaos.processes import find_running, is_running, signal_process, start_ticks
from tests.chaos.stage import Stage, eventually


def test_a_process_is_known_by_pid_and_start(set_stage: Stage) -> None:
    """The right start time matches, another one is another process."""
    node = set_stage.node("ad-1")
    set_stage.save()
    assert is_running(node.pid, node.start_ticks)
    assert not is_running(node.pid, node.start_ticks + 1)
    assert find_running(node.argv) == (node.pid, node.start_ticks)
    assert find_running((*node.argv, "other")) is None


def test_a_reused_pid_is_not_signalled(set_stage: Stage) -> None:
    """With the wrong start time nothing is sent; with the right one the process ends."""
    node = set_stage.node("ad-1")
    set_stage.save()
    assert not signal_process(node.pid, node.start_ticks + 1, signal.SIGKILL)
    assert is_running(node.pid, node.start_ticks)
    assert signal_process(node.pid, node.start_ticks, signal.SIGKILL)
    eventually(lambda: not is_running(node.pid, node.start_ticks))
    assert not signal_process(node.pid, node.start_ticks, signal.SIGKILL)


def test_a_stopped_process_runs_and_a_zombie_does_not() -> None:
    """SIGSTOP leaves a process there; an ended child nobody has reaped is gone."""
    child = subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"])
    try:
        ticks = start_ticks(child.pid)
        assert ticks is not None
        child.send_signal(signal.SIGSTOP)
        assert is_running(child.pid, ticks)
        child.kill()
        eventually(lambda: start_ticks(child.pid) is None)
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("pid", [2**22 + 1, -1])
def test_a_pid_nobody_has_is_not_running(pid: int) -> None:
    """No such process: no start time."""
    assert start_ticks(pid) is None
    assert start_ticks(os.getpid()) is not None
