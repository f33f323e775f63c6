"""Chaos Toolkit's journal read into our own words; the one place that knows its keys."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from chaos.runs.verdict import Look, Played, Step


class JournalError(Exception):
    """The journal does not read."""


class _Activity(msgspec.Struct):
    name: str = ""
    type: str = ""


class _Run(msgspec.Struct):
    activity: _Activity
    start: str
    status: str = ""
    end: str = ""
    output: object = None
    exception: list[str] = []


class _State(msgspec.Struct):
    steady_state_met: bool | None
    probes: list[_Run] = []


class _States(msgspec.Struct):
    before: _State | None = None
    after: _State | None = None
    during: list[_State | None] = []


class _Journal(msgspec.Struct):
    status: str | None
    steady_states: _States
    run: list[_Run] = []
    rollbacks: list[_Run] = []


def read_journal(path: Path) -> Played | None:
    """What the journal at `path` says, None where there is none. Raises `JournalError`."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        journal = msgspec.json.decode(data, type=_Journal)
    except msgspec.MsgspecError as error:
        raise JournalError(f"{path}: expected a journal of Chaos Toolkit: {error}") from error
    states = journal.steady_states
    during = [look for state in states.during if (look := look_of(state)) is not None]
    return Played(
        status=journal.status or "",
        before=look_of(states.before),
        during=tuple(during),
        after=look_of(states.after),
        method=tuple(_step(run) for run in journal.run),
        rollbacks=tuple(_step(run) for run in journal.rollbacks),
    )


def look_at(state: object) -> Look | None:
    """A state as Chaos Toolkit returned it, rather than wrote it. Raises `JournalError`."""
    try:
        return look_of(msgspec.convert(state, _State | None))
    except msgspec.ValidationError as error:
        raise JournalError(f"expected a steady state of Chaos Toolkit: {error}") from error


def look_of(state: _State | None) -> Look | None:
    """One look; None for a hypothesis without probes or one that was cut short before its first."""
    if state is None or not state.probes:
        return None
    last = state.probes[-1]
    if not last.end:
        return None  # cut short
    failed = last.status != "succeeded"
    return Look(
        start_s=_wall_s(state.probes[0].start),
        end_s=_wall_s(last.end),
        met=state.steady_state_met is True,
        probe=last.activity.name,
        raised=_why(last) if failed else "",
    )


def _step(run: _Run) -> Step:
    failed = "" if run.status == "succeeded" else _why(run)
    said_no = run.activity.type == "probe" and not failed and run.output is not True
    return Step(kind=run.activity.type, name=run.activity.name, failed=failed, said_no=said_no)


def _why(run: _Run) -> str:
    """The last line of the traceback, without the class of Chaos Toolkit that wraps every failure."""
    lines = "".join(run.exception).strip().splitlines()
    text = lines[-1] if lines else "did not end"
    return text.removeprefix("chaoslib.exceptions.ActivityFailed: ")


def _wall_s(text: str) -> float:
    """Chaos Toolkit writes UTC, some versions without saying so."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
