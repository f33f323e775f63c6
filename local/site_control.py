"""The API server of a site stopped where it stands and let go on: it accepts, and answers nothing."""

import signal
from pathlib import Path
from typing import Literal

from local.clusters_control import command_of
from local.clusters_state import ClusterFiles
from runtime.processes import Process, marked_processes, signal_process

ApiState = Literal["running", "frozen", "dead"]
PROGRAM = "kube-apiserver"
_STOPPED = "T"


def _processes(files: ClusterFiles) -> list[Process]:
    return [it for it in marked_processes(files.mark) if command_of(it) == PROGRAM]


def api_state(files: ClusterFiles) -> ApiState:
    """What the site's API server does; the next apply of the cluster starts a dead one."""
    states = {_state_of(it) for it in _processes(files)}
    if not states:
        return "dead"
    return "frozen" if states == {_STOPPED} else "running"


def _state_of(process: Process) -> str:
    try:
        # the name before it may hold spaces and brackets
        return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def freeze_api(files: ClusterFiles, *, frozen: bool) -> bool:
    """Stop it, or let it go on; whether that changed anything."""
    wanted: ApiState = "frozen" if frozen else "running"
    before = api_state(files)
    if before in {wanted, "dead"}:
        return False
    for process in _processes(files):
        signal_process(
            process.pid, process.start_ticks, signal.SIGSTOP if frozen else signal.SIGCONT
        )
    return True
