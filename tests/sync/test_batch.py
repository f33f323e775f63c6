"""The batch machine: every transition, every refusal, and what holds over any history."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.batch import (
    BACKOFF_MAX_S,
    Broke,
    Commit,
    Committed,
    Copied,
    Copy,
    Discard,
    Disposition,
    Fetch,
    Fetched,
    Finish,
    Halt,
    IllegalEventError,
    Open,
    Opened,
    Phase,
    StopAsked,
    Waited,
    begin,
    step,
)

EVENTS = {
    "opened": Opened(),
    "nothing": Fetched(records=0, now_s=1.0),
    "fetched": Fetched(records=7, now_s=1.0),
    "copied": Copied(),
    "committed": Committed(now_s=1.0),
    "waited": Waited(),
    "stop": StopAsked(),
    "broke": Broke(disposition=Disposition.RENEW, reason="r", now_s=1.0),
}
LEGAL = {
    (Phase.OPENING, "opened"): (Phase.FETCHING, Fetch),
    (Phase.OPENING, "stop"): (Phase.STOPPED, Finish),
    (Phase.OPENING, "broke"): (Phase.WAITING, Discard),
    (Phase.FETCHING, "nothing"): (Phase.FETCHING, Fetch),
    (Phase.FETCHING, "fetched"): (Phase.COPYING, Copy),
    (Phase.FETCHING, "stop"): (Phase.STOPPED, Finish),
    (Phase.FETCHING, "broke"): (Phase.WAITING, Discard),
    (Phase.COPYING, "copied"): (Phase.COMMITTING, Commit),
    (Phase.COPYING, "broke"): (Phase.WAITING, Discard),
    (Phase.COMMITTING, "committed"): (Phase.FETCHING, Fetch),
    (Phase.COMMITTING, "broke"): (Phase.WAITING, Discard),
    (Phase.WAITING, "waited"): (Phase.OPENING, Open),
    (Phase.WAITING, "stop"): (Phase.STOPPED, Finish),
}


def at(phase, **changes):
    batch, _ = begin(records_max=100, interval_s=0.02)
    return msgspec.structs.replace(batch, phase=phase, **changes)


@pytest.mark.parametrize(("phase", "name"), list(itertools.product(Phase, EVENTS)))
def test_every_event_in_every_phase(phase, name) -> None:
    """A legal event leads where the table says; any other is refused."""
    if (phase, name) in LEGAL:
        after, command = step(at(phase), EVENTS[name])
        assert (after.phase, type(command)) == LEGAL[phase, name]
    else:
        with pytest.raises(IllegalEventError):
            step(at(phase), EVENTS[name])


def test_the_first_command_opens() -> None:
    """Nothing is read or written before the slice is fenced."""
    batch, command = begin(records_max=5, interval_s=0.0)
    assert (batch.phase, type(command)) == (Phase.OPENING, Open)


@pytest.mark.parametrize("phase", [Phase.OPENING, Phase.FETCHING, Phase.COPYING, Phase.COMMITTING])
def test_any_indefinite_error_starts_from_the_top(phase) -> None:
    """After an error whose outcome is not known the next command but one is a new session."""
    waiting, command = step(at(phase), EVENTS["broke"])
    assert isinstance(command, Discard)
    _, command = step(waiting, Waited())
    assert isinstance(command, Open)


def test_back_off_grows_and_is_bounded() -> None:
    """Waits double up to their bound, and a commit resets them."""
    batch, waits = at(Phase.OPENING), []
    for _ in range(12):
        batch, command = step(batch, EVENTS["broke"])
        waits.append(command.wait_s)
        batch, _ = step(batch, Waited())
    assert waits[:3] == [0.05, 0.1, 0.2]
    assert waits[-1] == BACKOFF_MAX_S
    committed, _ = step(msgspec.structs.replace(batch, phase=Phase.COMMITTING), Committed(now_s=9))
    assert committed.attempts == 0


def test_a_stop_error_halts_with_its_reason() -> None:
    """A gap, a truncation or a re-created topic ends the slice, saying why."""
    broke = Broke(disposition=Disposition.STOP, reason="retention-gap: …", now_s=0.0)
    after, command = step(at(Phase.FETCHING), broke)
    assert (after.phase, command) == (Phase.FAILED, Halt(reason="retention-gap: …"))


def fenced(now_s):
    return Broke(disposition=Disposition.FENCED, reason="f", now_s=now_s)


def test_one_fencing_is_a_stall_two_are_a_rival() -> None:
    """The first fencing renews; a second within a minute halts; a late one renews again."""
    once, command = step(at(Phase.COMMITTING), fenced(100.0))
    assert isinstance(command, Discard)
    again = msgspec.structs.replace(once, phase=Phase.COMMITTING)
    assert isinstance(step(again, fenced(159.0))[1], Halt)
    assert isinstance(step(again, fenced(161.0))[1], Discard)


def refused(only=None):
    return Broke(disposition=Disposition.REFUSED, reason="too large", now_s=0.0, only=only)


def test_a_refused_batch_is_halved_until_one_record_is_condemned() -> None:
    """Halving ends at one record; refused alone it goes to the dead letters, and the limit grows again."""
    batch = at(Phase.COMMITTING, fetched=100)
    limits = []
    while batch.limit > 1:
        batch, command = step(batch, refused())
        assert command == Discard(wait_s=0.0, reason="too large")
        limits.append(batch.limit)
        batch = msgspec.structs.replace(batch, phase=Phase.COMMITTING, fetched=batch.limit)
    assert limits == [50, 25, 12, 6, 3, 1]
    batch, _ = step(batch, refused(only=(3, 17)))
    batch, _ = step(batch, Waited())
    batch, fetch = step(batch, Opened())
    assert fetch.records_max == 1
    batch, copy = step(batch, Fetched(records=1, now_s=0.0))
    assert copy == Copy(condemned=(3, 17))
    batch, _ = step(batch, Copied())
    batch, fetch = step(batch, Committed(now_s=0.0))
    assert (batch.condemned, fetch.records_max) == (None, 2)


def test_a_dead_letter_that_is_refused_halts() -> None:
    """A record that even the dead letters refuse is never skipped."""
    condemned = at(Phase.COMMITTING, fetched=1, limit=1, condemned=(0, 5))
    after, command = step(condemned, refused(only=(0, 5)))
    assert after.phase is Phase.FAILED
    assert command.reason.startswith("dead-letter-refused")


def test_a_part_filled_batch_is_paced_and_a_full_one_is_not() -> None:
    """With a backlog there is no pause; without one, transactions start an interval apart."""
    paced = at(Phase.COMMITTING, fetched=3, began_s=1.0)
    assert step(paced, Committed(now_s=1.005))[1].pause_s == pytest.approx(0.015)
    assert step(paced, Committed(now_s=2.0))[1].pause_s == 0.0
    full = at(Phase.COMMITTING, fetched=100, began_s=1.0)
    assert step(full, Committed(now_s=1.0))[1].pause_s == 0.0


@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=60))
def test_no_history_commits_what_was_not_copied(names) -> None:
    """Over any history: Commit follows Copied only, Copy follows a fetch of records only, limits hold."""
    batch, _ = begin(records_max=100, interval_s=0.02)
    for name in names:
        try:
            batch, command = step(batch, EVENTS[name])
        except IllegalEventError:
            continue
        assert isinstance(command, Commit) == (name == "copied")
        assert isinstance(command, Copy) == (name == "fetched")
        assert 1 <= batch.limit <= 100
