"""Start, recognise and end processes: detached, logged to a file, known by pid *and* start time.

A pid alone is never signalled: it may have been given to somebody else since.
"""

import contextlib
import os
import pwd
import select
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

POLL_S = 0.01
LOADED_S_MAX = 5.0
"""Microseconds, unless the machine gives it no processor just then."""
MARK = "ISTHMUS_CLOUD"
"""Every process of a cloud carries this variable, so that even one that was never recorded is found."""


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process; `start_ticks` is field 22 of /proc/PID/stat."""

    pid: int
    start_ticks: int


_children: set[int] = set()
"""Children of ours, known so that an ended one is reaped and does not stay a zombie."""


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How to start one; output is appended to `log` (0600).

    `environ` is added to ours, or is all there is without `inherit`. `user` switches to a system user.
    """

    argv: tuple[str, ...]
    environ: dict[str, str] = {}
    cwd: str
    log: str
    user: str = ""
    inherit: bool = True


def start_process(launch: Launch) -> Process:
    """Start it in a session of its own. Raises `OSError`."""
    user = launch.user
    descriptor = os.open(launch.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            launch.argv,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            env={**os.environ, **launch.environ} if launch.inherit else launch.environ,
            cwd=launch.cwd,
            start_new_session=True,
            user=user or None,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    finally:
        os.close(descriptor)
    child.returncode = 0  # it may outlive us, which Popen would call a leak; we reap it ourselves
    _children.add(child.pid)
    process = Process(pid=child.pid, start_ticks=start_ticks(child.pid) or 0)
    _await_loaded(process)
    return process


def _await_loaded(process: Process) -> None:
    """Wait until it has its command line: for a moment of its loading that reads empty, and others know it by that."""
    deadline = time.monotonic() + LOADED_S_MAX
    while time.monotonic() < deadline and start_ticks(process.pid) == process.start_ticks:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{process.pid}/cmdline").read_bytes():
                return
        select.select([], [], [], POLL_S)


def start_ticks(pid: int) -> int | None:
    """When `pid` started, in clock ticks since boot; None if there is no such process or it is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # the command name may hold spaces and parentheses: fields count from the last ')'
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def is_running(pid: int, ticks: int) -> bool:
    """Whether this very process is there; a stopped one counts."""
    running = start_ticks(pid) == ticks
    if not running:
        _reap(pid)
    return running


def is_alive(process: Process) -> bool:
    """Whether this very process runs."""
    return is_running(process.pid, process.start_ticks)


def _reap(pid: int) -> None:
    """Take a dead child's zombie away; a living one (asked after under an older start time) stays."""
    if pid not in _children:
        return
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG) == (0, 0):
            return
    _children.discard(pid)


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


def wait_gone(processes: Iterable[Process], *, timeout_s: float) -> list[Process]:
    """Wait until all have ended; returns those that have not in time."""
    deadline = time.monotonic() + timeout_s
    left = [process for process in processes if is_alive(process)]
    while left and time.monotonic() < deadline:
        select.select([], [], [], POLL_S)
        left = [process for process in left if is_alive(process)]
    return left


def end_processes(processes: Iterable[Process], *, signum: signal.Signals, grace_s: float) -> None:
    """End processes together: `signum`, then SIGKILL for what is left after `grace_s`."""
    asked = list(processes)
    for process in asked:
        signal_process(process.pid, process.start_ticks, signum)
    stubborn = wait_gone(asked, timeout_s=grace_s)
    for process in stubborn:
        signal_process(process.pid, process.start_ticks, signal.SIGKILL)
    wait_gone(stubborn, timeout_s=grace_s)


def marked_processes(mark: str) -> list[Process]:
    """Every living process whose environment says `ISTHMUS_CLOUD=mark`, but for ourselves."""
    wanted = f"{MARK}={mark}".encode()
    found: list[Process] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        ticks = start_ticks(int(entry.name))
        try:
            environ = (entry / "environ").read_bytes()
        except (OSError, ValueError):
            continue  # gone meanwhile, or not ours to read and then not ours at all
        if ticks is not None and wanted in environ.split(b"\0"):
            found.append(Process(pid=int(entry.name), start_ticks=ticks))
    return found
