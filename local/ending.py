"""End a cloud: every process that carries its mark, recorded or not, then every file of it."""

import shutil
import signal
from pathlib import Path

from contracts.cloud import CloudState
from local.state import CloudFiles
from runtime.processes import Process, end_processes, is_alive, marked_processes

SERVICES_GRACE_S = 3.0
"""Enough for a router to write its last evidence; nothing is in flight any more."""
ENGINES_GRACE_S = 3.0
ROUNDS_MAX = 5
"""A process may start another while we look; it cannot do so for ever."""


def is_abandoned(files: CloudFiles) -> bool:
    """Whether there is something left of a cloud that nobody owns any more."""
    state = files.read_state()
    if state is None:
        return files.read_standing() is not None or bool(marked_processes(str(files.cloud)))
    owner = Process(pid=state.owner_pid, start_ticks=state.owner_start_ticks)
    if state.keep:
        # kept on purpose; but all of it gone means the machine was restarted
        return not any(_alive(state))
    return not is_alive(owner)


def _alive(state: CloudState) -> list[Process]:
    found = (Process(pid=it.pid, start_ticks=it.start_ticks) for it in state.processes)
    return [process for process in found if is_alive(process)]


def end_cloud(files: CloudFiles) -> bool:
    """End it, whatever state it is in; says whether there was anything.

    Raises `OSError` when a directory stays; it is then still on record, and the next command tries again.
    """
    if not files.cloud.exists():
        return _end_marked(files)
    state, standing = files.read_state(), files.read_standing()
    temporary = state.temporary if state else standing.ground.temporary if standing else ""
    with files.state_lock():
        # first the record: a fault healer that sees none starts nothing again
        files.state_path.unlink(missing_ok=True)
    found = _end_marked(files)
    if temporary:
        remove_tree(Path(temporary))
    _remove_all_but_logs(files.cloud)
    return found or state is not None or standing is not None


def _end_marked(files: CloudFiles) -> bool:
    mark = str(files.cloud)
    found = False
    for _ in range(ROUNDS_MAX):
        processes = marked_processes(mark)
        if not processes:
            break
        found = True
        databases = [it for it in processes if is_postgres(it)]
        others = [it for it in processes if it not in databases]
        # brokers throw their data away: no use in letting them close it in order
        end_processes(
            [it for it in others if is_java(it)], signum=signal.SIGKILL, grace_s=ENGINES_GRACE_S
        )
        end_processes(others, signum=signal.SIGTERM, grace_s=SERVICES_GRACE_S)
        # SIGQUIT lets the server remove its shared memory, which outlives a killed one
        end_processes(databases, signum=signal.SIGQUIT, grace_s=ENGINES_GRACE_S)
    return found


def is_postgres(process: Process) -> bool:
    """Whether this is a PostgreSQL server process."""
    return _command(process) == "postgres"


def is_java(process: Process) -> bool:
    """Whether this is a broker."""
    return _command(process) == "java"


def _command(process: Process) -> str:
    try:
        return Path(f"/proc/{process.pid}/comm").read_text().strip()
    except OSError:
        return ""


def _remove_all_but_logs(cloud: Path) -> None:
    """The logs stay until the next cloud: they are what one wants after a failure."""
    for entry in cloud.iterdir():
        if entry.name == "logs":
            continue
        if entry.is_dir():
            remove_tree(entry)
        else:
            entry.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    """Remove a directory; files that vanish meanwhile are none of ours to mourn. Raises `OSError` if it stays."""
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        shutil.rmtree(path)
