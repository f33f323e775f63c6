"""Leases on disk: written and synced before a fault, removed after its heal, under one lock.

The directory holds `ID.json` per lease, `lock` (held for every change) and `watchdog`
(held by the watchdog for its life), so that who must heal is never decided twice or by nobody.
"""

import contextlib
import fcntl
import os
from collections.abc import Generator
from pathlib import Path

import msgspec

from contracts.fault import Lease
from runtime.locks import LockHeldError, file_lock

LOCK_WAIT_S = 10.0
"""Held for reading and writing a few small files; only a stopped holder takes longer."""


class LeaseError(Exception):
    """A lease file does not read; the fault it stands for cannot be healed by its record."""


class LeasesHeldError(LeaseError):
    """Another process has had the lock for longer than anybody needs it: which file, who, fix."""


def rule_id(lease: Lease) -> str:
    """What a relay calls the fault of this lease: no other runner on this machine has the same."""
    return f"{lease.runner_pid}-{lease.runner_start_ticks}-{lease.id}"


class Leases:
    """The leases of one run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Hold the lock; whoever decides that nothing is left does it in here. Raises `LeasesHeldError`."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with file_lock(self.directory / "lock", wait_s=LOCK_WAIT_S):
                yield
        except LockHeldError as error:
            raise LeasesHeldError(str(error)) from error

    def write(self, lease: Lease) -> None:
        """Put the lease on disk, synced, before its fault; call it under the lock."""
        scratch = self.directory / f"{lease.id}.{os.getpid()}.tmp"
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(lease))
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self._path(lease.id))
        _sync_directory(self.directory)

    def remove(self, lease_id: str) -> None:
        """Forget a healed fault; call it under the lock."""
        self._path(lease_id).unlink(missing_ok=True)
        _sync_directory(self.directory)

    def has(self, lease_id: str) -> bool:
        """Whether the lease is still open."""
        return self._path(lease_id).exists()

    def open_leases(self) -> tuple[Lease, ...]:
        """Every open lease, oldest first. Raises `LeaseError` naming a file that does not read."""
        found: list[Lease] = []
        for path in sorted(self.directory.glob("*.json")):
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Lease))
            except FileNotFoundError:
                continue  # healed meanwhile
            except msgspec.MsgspecError as error:
                raise LeaseError(f"{path}: expected a lease: {error}") from error
        return tuple(sorted(found, key=lambda lease: lease.created_wall_s))

    def _path(self, lease_id: str) -> Path:
        return self.directory / f"{lease_id}.json"

    def claim_watch(self) -> int | None:
        """Become the watchdog: a descriptor to keep open, or None when there is one; call it under the lock."""
        descriptor = os.open(self.directory / "watchdog", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def release_watch(self, claim: int) -> None:
        """Stop being the watchdog; call it under the lock."""
        fcntl.flock(claim, fcntl.LOCK_UN)

    def is_watched(self) -> bool:
        """Whether a watchdog is at work; call it under the lock, else it may trip one that starts."""
        descriptor = self.claim_watch()
        if descriptor is None:
            return True
        os.close(descriptor)
        return False


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
