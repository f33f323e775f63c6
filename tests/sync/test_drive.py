"""The driver against a session with a script: what it calls, in which order, and what it shows."""

import threading

import pytest

from sync.batch import Coordinate, Disposition
from sync.drive import Driver
from sync.faults import ReplicationError


class Script:
    """A session that fails where told; `calls` are the methods in order."""

    def __init__(self, stop: threading.Event, *, batches: int, fail: dict | None = None) -> None:
        self.calls: list[str] = []
        self.condemned: list[Coordinate | None] = []
        self.lag_records = 4
        self.only: Coordinate | None = None
        self._stop = stop
        self._batches = batches
        self._fail = fail or {}

    def _call(self, name: str) -> None:
        self.calls.append(name)
        error = self._fail.pop((name, self.calls.count(name)), None)
        if error is not None:
            raise error

    def open(self) -> None:
        self._call("open")

    def fetch(self, records_max: int) -> int:
        self._call("fetch")
        if not self._batches:
            self._stop.set()
            return 0
        self._batches -= 1
        return min(3, records_max)

    def copy(self, condemned: Coordinate | None) -> None:
        self.condemned.append(condemned)
        self._call("copy")

    def commit(self) -> None:
        self._call("commit")

    def close(self) -> None:
        self.calls.append("close")


def run(**script) -> tuple[Script, Driver]:
    stop = threading.Event()
    session = Script(stop, **script)
    driver = Driver("slice", session, records_max=100, interval_s=0.0, stop=stop)
    driver.run()
    return session, driver


def renew(reason="lost"):
    return ReplicationError(Disposition.RENEW, reason)


def test_a_quiet_life() -> None:
    """Open, copy and commit each batch, stop between batches, close."""
    session, driver = run(batches=2)
    assert session.calls == [
        "open", "fetch", "copy", "commit", "fetch", "copy", "commit", "fetch", "close",
    ]  # fmt: skip
    board = driver.board
    assert (board.state, board.records, board.transactions, board.lag_records) == (
        "stopped",
        6,
        2,
        4,
    )


@pytest.mark.parametrize("where", ["open", "fetch", "copy", "commit"])
def test_after_an_error_the_session_is_opened_anew(where) -> None:
    """Wherever it breaks, the session is closed and opened from the top before anything else."""
    session, driver = run(batches=2, fail={(where, 1): renew()})
    after = session.calls[session.calls.index(where) :]
    assert after[:3] == [where, "close", "open"]
    assert driver.board.state == "stopped"


def test_a_stop_is_shown_with_its_reason() -> None:
    """The board says failed and why; the session is let go."""
    gap = ReplicationError(Disposition.STOP, "retention-gap: partition 0")
    session, driver = run(batches=1, fail={("fetch", 1): gap})
    assert (driver.board.state, driver.board.reason) == ("failed", "retention-gap: partition 0")
    assert session.calls == ["open", "fetch", "close"]


def test_a_refused_single_record_is_condemned() -> None:
    """The one record that was refused alone is named to the next copy."""
    stop = threading.Event()
    refusal = ReplicationError(Disposition.REFUSED, "too large")
    session = Script(stop, batches=2, fail={("commit", 1): refusal})
    session.only = (1, 5)
    Driver("slice", session, records_max=100, interval_s=0.0, stop=stop).run()
    assert session.condemned == [None, (1, 5)]


def test_a_bug_ends_the_slice_and_is_shown() -> None:
    """An unexpected exception is no indefinite error: the slice fails with its name."""
    session, driver = run(batches=1, fail={("copy", 1): ZeroDivisionError()})
    assert (driver.board.state, driver.board.reason) == ("failed", "crashed: ZeroDivisionError")
    assert session.calls[-1] == "close"


def test_a_stop_before_the_first_open_ends_at_once() -> None:
    """Nothing is fenced by a process that is already asked to end."""
    stop = threading.Event()
    stop.set()
    session = Script(stop, batches=1)
    Driver("slice", session, records_max=1, interval_s=0.0, stop=stop).run()
    assert session.calls == ["close"]
