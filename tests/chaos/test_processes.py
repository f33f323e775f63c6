"""Twin of chaos/processes.py."""

from chaos.processes import find_running
from runtime.processes import Process
from tests.chaos.stage import Stage


def test_a_process_is_found_by_its_whole_command_line(set_stage: Stage) -> None:
    """One argument more and it is another process."""
    node = set_stage.node("ad-1")
    set_stage.save()
    assert find_running(node.argv) == Process(pid=node.pid, start_ticks=node.start_ticks)
    assert find_running((*node.argv, "other")) is None
