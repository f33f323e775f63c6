"""The running cloud as its state file tells it: find processes, start a dead one again where it was."""

import contextlib
import os
from collections.abc import Generator, Sequence
from pathlib import Path

import msgspec

from chaos.clock import Clock
from chaos.processes import find_running, start_again
from chaos.readiness import is_ready
from contracts.cloud import CloudState, ProcessRecord, Role
from runtime.locks import LockHeldError, file_lock
from runtime.processes import is_running
from runtime.ready import read_ready

READY_S_MAX = 60.0
"""A broker is up in 2 s on an idle machine and was seen to take 31 s on one with a load of 36 on two cores; a bridge
that fences its predecessor may wait for one transaction time-out of 10 s."""

POLL_S = 0.01
RESTART_S = 1.0
LOCK_WAIT_S = 10.0
"""Held while processes are started, not while they become ready: milliseconds for each."""


class CloudError(Exception):
    """The state file is not there, does not read, or lacks what was expected."""


class Cloud:
    """One state file; every write is whole, under a lock, and keeps what others changed meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        """Whether the cloud is still on record; without a record there is nothing left to heal."""
        return self.path.exists()

    def state(self) -> CloudState:
        """The state now. Raises `CloudError`."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=CloudState)
        except (OSError, msgspec.MsgspecError) as error:
            raise CloudError(f"{self.path}: expected a cloud state: {error}") from error

    def endpoint(self, name: str) -> str:
        """An endpoint of the cloud. Raises `CloudError`."""
        endpoints = self.state().endpoints
        if name not in endpoints:
            raise CloudError(f"{self.path}: expected endpoint {name}, it has {sorted(endpoints)}")
        return endpoints[name]

    def processes(self, role: Role, site: str = "") -> tuple[ProcessRecord, ...]:
        """The processes of one role, at one site if named."""
        return tuple(p for p in self.state().processes if p.role == role and site in {"", p.site})

    def named(self, name: str) -> ProcessRecord:
        """One process by its name. Raises `CloudError`."""
        for record in self.state().processes:
            if record.name == name:
                return record
        raise CloudError(f"{self.path}: expected a process {name}")

    @contextlib.contextmanager
    def _locked(self) -> Generator[None]:
        try:
            with file_lock(Path(f"{self.path}.lock"), wait_s=LOCK_WAIT_S):
                yield
        except LockHeldError as error:
            raise CloudError(str(error)) from error

    def _save(self, changed: ProcessRecord) -> None:
        state = self.state()
        processes = tuple(changed if p.name == changed.name else p for p in state.processes)
        scratch = self.path.with_suffix(f".{os.getpid()}.tmp")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(msgspec.structs.replace(state, processes=processes)))
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self.path)

    def start_dead(self, names: Sequence[str]) -> tuple[str, ...]:
        """Start those of `names` that do not run; returns the ones started. Raises `OSError`.

        A process found running with the same command line was started by a healer that died before it
        could write so: it is taken over, not doubled.
        """
        started: list[str] = []
        with self._locked():
            for name in names:
                record = self.named(name)
                if is_running(record.pid, record.start_ticks):
                    continue
                argv = pinned(record)
                found = find_running(argv) or start_again(record, argv)
                self._save(
                    msgspec.structs.replace(record, pid=found.pid, start_ticks=found.start_ticks)
                )
                started.append(name)
        return tuple(started)

    def unready(self, names: Sequence[str], clock: Clock) -> tuple[str, ...]:
        """Wait until `names` serve; returns those that do not in time. Raises `OSError`.

        One that ends at once is started again: a database refuses to while its predecessor's children live.
        """
        deadline = clock.mono_ns() + int(READY_S_MAX * 1e9)
        again_ns = clock.mono_ns() + int(RESTART_S * 1e9)
        left = tuple(names)
        while left and clock.mono_ns() < deadline:
            if clock.mono_ns() > again_ns:
                self.start_dead(left)
                again_ns = clock.mono_ns() + int(RESTART_S * 1e9)
            left = tuple(name for name in left if not is_ready(self.named(name), self.state()))
            if left:
                clock.sleep(POLL_S)
        return left


def http_address(record: ProcessRecord) -> str:
    """Where the process serves HTTP (`host:port`), by its ready file; empty when it never said, as engines do."""
    ready = read_ready(Path(record.ready)) if record.ready else None
    return "" if ready is None else ready.addresses.get("http", "")


def pinned(record: ProcessRecord) -> tuple[str, ...]:
    """The command line that makes the process listen where it did, not on another free port.

    Others hold its address (a topology, a relay's target), so a node that comes back has to be found there.
    """
    argv, address = list(record.argv), http_address(record)
    if address and "--listen" in argv[:-1]:
        argv[argv.index("--listen") + 1] = address
    return tuple(argv)
