"""The life of a fault: lease on disk, watchdog at work, injection, journal, heal, lease removed."""

import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Generator
from pathlib import Path

import msgspec

from chaos.clock import Clock
from chaos.cloud import CloudError
from chaos.heal import HealError, heal_lease
from chaos.journal import Journal
from chaos.leases import LeaseError, Leases
from chaos.offsets import OffsetsError
from contracts.control import Scalar
from contracts.fault import FaultKind, FaultRecord, Lease
from runtime.control import ControlError
from runtime.processes import MARK, start_ticks

WATCHDOG_START_S_MAX = 10.0
"""Its imports take 0.3 s on an idle core; a fault waits for it, since without it nothing would heal."""

WATCHDOG_END_S_MAX = 5.0
POLL_S = 0.005


class FaultError(Exception):
    """The fault could not be injected (then nothing is left of it) or not be healed: what and why."""


class NotHealedError(FaultError):
    """A fault is still in force; its lease stays and the watchdog goes on trying."""


@contextlib.contextmanager
def fault_errors(kind: FaultKind) -> Generator[None]:
    """Whatever goes wrong at a border of this folder reaches its caller as `FaultError`."""
    try:
        yield
    except (CloudError, ControlError, LeaseError, OffsetsError, OSError) as error:
        raise FaultError(f"{kind}: {error}") from error


def fault_record(lease: Lease, at_mono_ns: int, *, proven: bool, proof: str) -> FaultRecord:
    """The journal's line of a fault that took effect at `at_mono_ns`."""
    return FaultRecord(
        id=lease.id, kind=lease.kind, targets=lease.targets, injected_mono_ns=at_mono_ns,
        proven=proven, proof=proof,
    )  # fmt: skip


Prove = Callable[[FaultRecord], tuple[bool, str]]
"""Looks after a heal; says whether the fault as a whole is proven, and what was seen."""


class Fault:
    """One injected fault; `record` is what is known of it now."""

    def __init__(
        self, lease: Lease, record: FaultRecord, healer: Callable[["Fault"], FaultRecord]
    ) -> None:
        self.lease = lease
        self.record = record
        self._healer = healer

    def heal(self) -> FaultRecord:
        """Undo it and check; once or often. Returns the final record, raises `NotHealedError`."""
        if not self.record.healed_mono_ns:
            self.record = self._healer(self)
        return self.record


class Lifecycle:
    """The leases and the journal of one run; owns the watchdog it starts."""

    def __init__(self, leases: Leases, journal: Journal, *, cloud: Path, clock: Clock) -> None:
        self._leases = leases
        self._journal = journal
        self._cloud = cloud
        self._clock = clock
        self._numbers = itertools.count(len(journal.records()) + 1)
        self._watchdogs: list[subprocess.Popen[bytes]] = []

    def take(
        self, kind: FaultKind, targets: tuple[str, ...], *, ttl_s: float, **params: Scalar
    ) -> Lease:
        """Put a lease on disk and see a watchdog at work; nothing is injected before this returns."""
        now_s = self._clock.wall_s()
        lease = Lease(
            id=f"{next(self._numbers):02}-{kind}",
            kind=kind,
            targets=targets,
            params={name: value for name, value in params.items() if value is not None},
            cloud=str(self._cloud),
            runner_pid=os.getpid(),
            runner_start_ticks=start_ticks(os.getpid()) or 0,
            created_wall_s=now_s,
            expires_wall_s=now_s + ttl_s,
        )
        with self._leases.locked():
            self._leases.write(lease)
            watched = self._leases.is_watched()
        if not watched:
            self._start_watchdog()
        return lease

    def _start_watchdog(self) -> None:
        directory = self._leases.directory
        with (directory / "watchdog.log").open("ab") as log:
            watchdog = subprocess.Popen(
                (sys.executable, "-m", "chaos", "watchdog", "--leases", str(directory.resolve())),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[1],
                env={**os.environ, MARK: str(self._cloud.parent)},  # `down` ends it with the cloud
                start_new_session=True,  # Ctrl-C goes to the runner's group only
            )
        # One ends when no lease is left; the next fault of the run starts another.
        self._watchdogs.append(watchdog)
        deadline_ns = self._clock.mono_ns() + int(WATCHDOG_START_S_MAX * 1e9)
        while self._clock.mono_ns() < deadline_ns and watchdog.poll() is None:
            with self._leases.locked():
                if self._leases.is_watched():
                    return
            self._clock.sleep(POLL_S)
        raise FaultError(f"the watchdog did not start; see {directory / 'watchdog.log'}")

    def inject(
        self, lease: Lease, inject: Callable[[], FaultRecord], prove: Prove | None = None
    ) -> Fault:
        """Inject under `lease` and write the journal; if it fails, undo what there may be of it.

        `prove` looks after the heal; without it a fault is as proven as it was when injected.
        """
        try:
            with fault_errors(lease.kind):
                record = inject()
            if not self._leases.has(lease.id):
                # Its time ended meanwhile: the watchdog may have healed what was not there yet.
                self._undo(lease)
        except BaseException:  # a signal too: what may be in force has no other owner yet
            self._undo(lease)
            raise
        self._journal.append(record)
        return Fault(lease, record, lambda fault: self._heal(fault, prove))

    def _undo(self, lease: Lease) -> str:
        try:
            done = heal_lease(lease, self._clock)
            with self._leases.locked():
                self._leases.remove(lease.id)
        except (HealError, LeaseError) as error:
            raise NotHealedError(str(error)) from error
        return done

    def _heal(self, fault: Fault, prove: Prove | None) -> FaultRecord:
        late = not self._leases.has(fault.lease.id)
        done = "healed by the watchdog" if late else self._undo(fault.lease)
        healed_mono_ns = self._clock.mono_ns()
        with fault_errors(fault.lease.kind):
            proven, seen = prove(fault.record) if prove else (fault.record.proven, done)
        healed = msgspec.structs.replace(
            fault.record,
            healed_mono_ns=healed_mono_ns,
            proven=proven,
            proof=f"{fault.record.proof}; {seen}",
        )
        self._journal.append(healed)
        return healed

    def heal_orphans(self, known: Collection[str]) -> None:
        """Undo leases of ours that nobody holds: a signal may come between an injection and its keeper.

        `known` are the leases somebody holds. Raises `NotHealedError`.
        """
        try:
            left = [lease for lease in self._leases.open_leases() if lease.id not in known]
        except LeaseError as error:
            raise NotHealedError(str(error)) from error
        journaled = {record.id: record for record in self._journal.records()}
        for lease in reversed(left):
            done = self._undo(lease)
            if record := journaled.get(lease.id):
                self._journal.append(
                    msgspec.structs.replace(
                        record,
                        healed_mono_ns=self._clock.mono_ns(),
                        proof=f"{record.proof}; {done}",
                    )
                )

    def close(self) -> None:
        """See the watchdog end, which it does once no lease is left."""
        try:
            while self._watchdogs:
                self._watchdogs[-1].wait(WATCHDOG_END_S_MAX)
                self._watchdogs.pop()
        except subprocess.TimeoutExpired as error:
            while self._watchdogs:
                self._watchdogs.pop().returncode = (
                    0  # it outlives us, which Popen would call a leak
                )
            raise NotHealedError(
                f"{self._leases.directory}: the watchdog still has leases"
            ) from error
