"""Twin of chaos/processes.py."""

import os
import signal

from chaos.processes import find_running, is_stopped
from runtime.processes import Process, signal_process
from tests.chaos.stage import Stage, eventually


def test_a_process_is_found_by_its_whole_command_line(set_stage: Stage) -> None:
    """One argument more and it is another process."""
    node = set_stage.node("ad-1")
    set_stage.save()
    assert find_running(node.argv) == Process(pid=node.pid, start_ticks=node.start_ticks)
    assert find_running((*node.argv, "other")) is None


def test_a_stopped_process_is_told_from_one_that_runs(set_stage: Stage) -> None:
    """Both are there; one that is gone is not stopped."""
    node = set_stage.node("ad-1")
    set_stage.save()
    assert not is_stopped(node.pid)
    signal_process(node.pid, node.start_ticks, signal.SIGSTOP)
    eventually(lambda: is_stopped(node.pid))
    signal_process(node.pid, node.start_ticks, signal.SIGCONT)
    eventually(lambda: not is_stopped(node.pid))
    assert not is_stopped(os.getpid() + (1 << 22))
