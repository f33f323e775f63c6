"""A lock that goes with its holder, however that dies: an flock on a file, waited for within a bound."""

import contextlib
import fcntl
import os
import time
from collections.abc import Generator
from pathlib import Path

POLL_S = 0.05


class LockHeldError(Exception):
    """Somebody else holds the lock; `pid` is who, or 0 when the file does not say."""

    def __init__(self, path: Path, *, pid: int, waited_s: float) -> None:
        self.path, self.pid = path, pid
        holder = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{path}: held by {holder} for more than {waited_s:g} s; "
            "expected it to be free. fix: wait for that process to end, or end it"
        )


@contextlib.contextmanager
def file_lock(path: Path, *, wait_s: float) -> Generator[None]:
    """Hold the lock at `path` (made 0600); children do not inherit it. Raises `LockHeldError` after `wait_s`."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, path, wait_s)
        with contextlib.suppress(OSError):  # a full disk: the lock is held all the same
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise LockHeldError(path, pid=_holder(descriptor), waited_s=wait_s) from error
            time.sleep(POLL_S)
        else:
            return


def _holder(descriptor: int) -> int:
    text = os.pread(descriptor, 20, 0).strip()
    return int(text) if text.isdigit() else 0
