"""Drives one session through the batch loop: does what the machine commands and reports what happened.

Adapter: the only place that waits, reads the clock and logs for a slice or a loader. One thread runs it; the
board it keeps is read by others.
"""

import threading
import time
import traceback
from typing import Protocol, assert_never

import structlog

from contracts.bridge import SliceState
from sync.batch import (
    Batch,
    Broke,
    Command,
    Commit,
    Committed,
    Coordinate,
    Copied,
    Copy,
    Discard,
    Event,
    Fetch,
    Fetched,
    Finish,
    Halt,
    Open,
    Opened,
    StopAsked,
    Waited,
    begin,
    step,
)
from sync.faults import ReplicationError

_log = structlog.stdlib.get_logger("sync")


class Session(Protocol):
    """What the loop drives. Every method but `close` may raise `ReplicationError`."""

    @property
    def only(self) -> Coordinate | None:
        """The batch's one record, if it has exactly one."""
        ...

    @property
    def lag_records(self) -> int:
        """Records not yet committed."""
        ...

    def open(self) -> None:
        """Stand at the start offsets, every predecessor fenced."""
        ...

    def fetch(self, records_max: int) -> int:
        """Read a batch; its size."""
        ...

    def copy(self, condemned: Coordinate | None) -> None:
        """Write the batch."""
        ...

    def commit(self) -> None:
        """Commit the batch with its progress."""
        ...

    def close(self) -> None:
        """Let go, whatever the state; never raises."""
        ...


class Board:
    """What a running loop shows to `status`: written by its own thread only."""

    def __init__(self) -> None:
        self.state: SliceState = "starting"
        self.reason = ""
        self.records = 0
        self.transactions = 0
        self.lag_records = 0


class Driver:
    """One session, one machine, one thread."""

    def __init__(
        self,
        name: str,
        session: Session,
        *,
        records_max: int,
        interval_s: float,
        stop: threading.Event,
    ) -> None:
        self.board = Board()
        self._name = name
        self._session = session
        self._records_max = records_max
        self._interval_s = interval_s
        self._stop = stop

    def run(self) -> None:
        """Run until asked to stop or halted; a fault of our own ends the slice with its traceback."""
        try:
            self._loop()
        except Exception as error:  # noqa: BLE001  # the thread's outermost frame
            _log.error("slice.crashed", slice=self._name, trace=traceback.format_exc())
            self.board.state, self.board.reason = "failed", f"crashed: {type(error).__name__}"
        finally:
            self._session.close()

    def _loop(self) -> None:
        batch, command = begin(records_max=self._records_max, interval_s=self._interval_s)
        while not isinstance(command, Halt | Finish):
            batch, command = self._turn(batch, command)
        if isinstance(command, Halt):
            self.board.state, self.board.reason = "failed", command.reason
            _log.error("slice.failed", slice=self._name, reason=command.reason)
        else:
            self.board.state = "stopped"

    def _turn(self, batch: Batch, command: Command) -> tuple[Batch, Command]:
        try:
            event = self._do(batch, command)
        except ReplicationError as error:
            event = Broke(
                disposition=error.disposition,
                reason=error.reason,
                now_s=time.monotonic(),
                only=self._session.only if isinstance(command, Copy | Commit) else None,
            )
        return step(batch, event)

    def _do(self, batch: Batch, command: Command) -> Event:
        match command:
            case Open():
                return self._open()
            case Fetch():
                return self._fetch(command)
            case Copy():
                self._session.copy(command.condemned)
                return Copied()
            case Commit():
                return self._commit(batch)
            case Discard():
                return self._discard(command)
            case Halt() | Finish():
                raise AssertionError("the loop has ended")
            case _:
                assert_never(command)

    def _open(self) -> Event:
        if self._stop.is_set():
            return StopAsked()
        self._session.open()
        self.board.state, self.board.reason = "running", ""
        return Opened()

    def _fetch(self, command: Fetch) -> Event:
        if self._stop.wait(command.pause_s) if command.pause_s > 0.0 else self._stop.is_set():
            return StopAsked()
        records = self._session.fetch(command.records_max)
        if not records:
            self.board.lag_records = self._session.lag_records
        return Fetched(records=records, now_s=time.monotonic())

    def _commit(self, batch: Batch) -> Event:
        self._session.commit()
        self.board.records += batch.fetched
        self.board.transactions += 1
        self.board.lag_records = self._session.lag_records
        return Committed(now_s=time.monotonic())

    def _discard(self, command: Discard) -> Event:
        self.board.state, self.board.reason = "starting", command.reason
        _log.warning("slice.renewed", slice=self._name, reason=command.reason)
        self._session.close()
        return StopAsked() if self._stop.wait(command.wait_s) else Waited()
