"""Processes known by pid and start time: recognise, signal, start again. Never signals a reused pid."""

import contextlib
import os
import pwd
import signal
import subprocess
from pathlib import Path

from contracts.cloud import ProcessRecord

_children: set[int] = set()
"""What this process started again and has not reaped yet."""


def _reap() -> None:
    for pid in tuple(_children):
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                continue
        _children.discard(pid)


def start_ticks(pid: int) -> int | None:
    """When `pid` started, in clock ticks since boot; None when it is gone or a zombie."""
    if pid in _children:
        _reap()
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command name may hold spaces and parentheses: fields count from the last ')'.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def is_running(pid: int, ticks: int) -> bool:
    """Whether this very process is there; a stopped one counts."""
    return start_ticks(pid) == ticks


def signal_process(pid: int, ticks: int, signum: signal.Signals) -> bool:
    """Signal this very process; False when it is gone.

    The pidfd is opened before the start time is checked, so that a pid reused in between is not hit.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if start_ticks(pid) != ticks:
            return False
        signal.pidfd_send_signal(descriptor, signum)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def find_running(argv: tuple[str, ...]) -> tuple[int, int] | None:
    """The pid and start ticks of a process of ours with exactly this command line, if one runs."""
    wanted = b"\0".join(argument.encode() for argument in argv) + b"\0"
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if entry.joinpath("cmdline").read_bytes() != wanted:
                continue
            ticks = start_ticks(int(entry.name))
            if ticks is not None:
                return int(entry.name), ticks
    return None


def start_again(record: ProcessRecord, argv: tuple[str, ...]) -> tuple[int, int]:
    """Start `argv` as `record` was started: its environment, directory, log and user; a session of its own.

    Returns pid and start ticks. Raises `OSError` when it cannot be started.
    """
    log = os.open(record.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **record.environ},
            cwd=record.cwd,
            start_new_session=True,
            user=record.user or None,
            group=pwd.getpwnam(record.user).pw_gid if record.user else None,
            extra_groups=[] if record.user else None,
        )
    finally:
        os.close(log)
    _reap()
    _children.add(child.pid)
    # It outlives us on purpose and is reaped above: its handle has nothing left to wait for.
    child.returncode = 0
    return child.pid, start_ticks(child.pid) or 0
