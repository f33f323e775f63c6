"""End a cloud: every process that carries its mark, recorded or not, then every file of it."""

import shutil
import signal
from pathlib import Path

import msgspec

from contracts.cloud import CloudState
from local.state import CloudFiles
from runtime.processes import Process, end_processes, is_alive, marked_processes

SERVICES_GRACE_S = 3.0
"""Enough for a router to write its last evidence; nothing is in flight any more."""
ENGINES_GRACE_S = 3.0
ROUNDS_MAX = 5
"""A process may start another while we look; it cannot do so for ever."""


class RemainsError(Exception):
    """Something of a cloud cannot be removed: what, why, fix."""


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

    Raises `RemainsError` when something stays; it is then still on record, and the next command tries again.
    """
    if not files.cloud.exists():
        return _end_marked(files)
    state, standing = files.read_state(), files.read_standing()
    temporary = state.temporary if state else standing.ground.temporary if standing else ""
    with files.state_lock():
        # first the record: a fault healer that sees none starts nothing again
        files.state_path.unlink(missing_ok=True)
    found = _end_marked(files)
    try:
        _remove_files(files, temporary)
    except RemainsError:
        if state and standing is None:
            # nothing else names the temporary directory; a state without owner or process is an abandoned one
            files.write_state(
                msgspec.structs.replace(
                    state, keep=False, owner_pid=0, owner_start_ticks=0, processes=()
                )
            )
        raise
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


def _remove_files(files: CloudFiles, temporary: str) -> None:
    """All but the logs, which stay until the next cloud: they are what one wants after a failure."""
    stays: list[str] = []
    entries = [
        it for it in files.cloud.iterdir() if it not in {files.cloud / "logs", files.standing_path}
    ]
    # the standing last: while it is there the next command knows that it has to try again
    for path in (*([Path(temporary)] if temporary else []), *entries):
        try:
            remove(path)
        except RemainsError as error:
            stays.append(str(error))
    if stays:
        raise RemainsError("; ".join(stays))
    remove(files.standing_path)


def remove(path: Path) -> None:
    """Remove a file or directory; what vanishes meanwhile is none of ours to mourn. Raises `RemainsError`."""
    try:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
            if path.exists():
                shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        if path.exists():
            raise RemainsError(
                f"{path}: cannot be removed ({error}); expected nothing of the cloud to be left. "
                "fix: see who owns it and what is mounted there, then isthmus down local again"
            ) from error
