"""Who holds an environment: a command of ours, an engine somebody started by hand, or what a killed one left.

A killed `isthmus` leaves its engine, a killed engine its providers and its lock in the backend. What is left is
ended and its lock taken away; what lives and is not ours is named, and nothing is touched.
"""

import contextlib
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from runtime.processes import end_processes, marked_processes, start_ticks

ENGINE = "pulumi"
GRACE_S = 30.0
"""An engine asked to stop waits for what it is doing and writes its state; most requests take seconds."""
FILE_BACKEND = "file://"


class HeldError(Exception):
    """Somebody else works on it; `pid` is who."""

    def __init__(self, what: str, pid: int, *, where: str = "") -> None:
        self.pid = pid
        who = f"process {pid}{where}" if pid else "another process"
        doing = command_of(pid) if pid and not where else ""
        super().__init__(
            f"{what}: {who}{f' ({doing})' if doing else ''} works on it; expected nobody. "
            "fix: wait for it to end, or end it"
        )


class _Lock(msgspec.Struct, frozen=True, kw_only=True):
    """A lock file as the engine writes it."""

    pid: int
    hostname: str = ""


def command_of(pid: int) -> str:
    """What the process was started as, its options left out; empty when it is gone."""
    words = _words(pid)
    if len(words) > 1 and Path(words[0]).name.startswith("python"):
        words = words[1:]
    return (
        " ".join([Path(words[0]).name, *(it for it in words[1:4] if it[0] != "-")]) if words else ""
    )


def end_left(root_mark: str, say: Callable[[str], None]) -> None:
    """End what a killed command left at work: the engine first and gently, then whatever of it stays."""
    left = [it for it in marked_processes(root_mark) if _is_engines(it.pid)]
    if not left:
        return
    say(f"ending what a killed command left: {', '.join(str(it.pid) for it in left)}")
    engines = [it for it in left if _words(it.pid)[:1] and Path(_words(it.pid)[0]).name == ENGINE]
    end_processes(engines, signum=signal.SIGINT, grace_s=GRACE_S)
    end_processes(left, signum=signal.SIGTERM, grace_s=1.0)


def _is_engines(pid: int) -> bool:
    """Whether it is the engine, a host or a provider: clusters that were started below one go on."""
    return any(Path(it).name.startswith(ENGINE) for it in _words(pid)[:4])


def refuse_held(backend: str, stack: str) -> None:
    """Raise `HeldError` when a living engine holds the stack; only a backend in files says who does."""
    for lock in _locks(backend, stack):
        if lock.hostname != socket.gethostname():
            raise HeldError(f"stack {stack}", lock.pid, where=f" on {lock.hostname}")
        if _is_engine(lock.pid):
            raise HeldError(f"stack {stack}", lock.pid)


def is_locked(backend: str, stack: str) -> bool:
    """Whether there is a lock of any kind, so that a dead one is to be taken away."""
    return bool(_locks(backend, stack))


def _locks(backend: str, stack: str) -> list[_Lock]:
    if not backend.startswith(FILE_BACKEND):
        return []
    home = Path(backend.removeprefix(FILE_BACKEND)).expanduser() / ".pulumi" / "locks"
    found: list[_Lock] = []
    for path in home.glob(f"*/*/{stack}/*.json"):
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            found.append(msgspec.json.decode(path.read_bytes(), type=_Lock))
    return found


def _is_engine(pid: int) -> bool:
    words = _words(pid)
    return start_ticks(pid) is not None and bool(words) and Path(words[0]).name == ENGINE


def _words(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [it.decode(errors="replace") for it in text.split(b"\0") if it]
