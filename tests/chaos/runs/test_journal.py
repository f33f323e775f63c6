"""Twin of chaos/runs/journal.py."""

import json
from pathlib import Path

import pytest

from chaos.runs.journal import JournalError, look_at, read_journal
from chaos.runs.verdict import Look, Step


def run(
    kind: str = "probe", *, status: str = "succeeded", output: object = True
) -> dict[str, object]:
    failed = {} if status == "succeeded" else {
        "exception": ["Traceback\n", "  x\n", "chaoslib.exceptions.ActivityFailed: FaultError: no target\n"]
    }  # fmt: skip
    return {
        "activity": {"name": "it", "type": kind}, "status": status, "output": output,
        "start": "2026-11-25T01:00:00+00:00", "end": "2026-11-25T01:00:00.250000", **failed,
    }  # fmt: skip


def state(*, met: bool | None, **changes: object) -> dict[str, object]:
    return {"steady_state_met": met, "probes": [run(**changes)]}


def journal(**changes: object) -> bytes:
    whole = {
        "status": "completed", "deviated": False, "chaoslib-version": "1",
        "steady_states": {"before": state(met=True), "after": None, "during": [state(met=False), None]},
        "run": [run("action"), run("action", status="failed"), run("probe", output=False)],
        "rollbacks": [run("action", output=[])],
    }  # fmt: skip
    return json.dumps({**whole, **changes}).encode()


def test_a_journal_is_read_into_our_words(tmp_path: Path) -> None:
    """Times with and without an offset are UTC; a failure is told without the library's wrapping."""
    path = tmp_path / "journal.json"
    path.write_bytes(journal())
    played = read_journal(path)
    assert played.before == Look(
        start_s=1795568400.0, end_s=1795568400.25, met=True, probe="it"
    )  # fmt: skip
    assert [look.met for look in played.during] == [False]
    assert played.after is None
    assert played.method == (
        Step(kind="action", name="it"),
        Step(kind="action", name="it", failed="FaultError: no target"),
        Step(kind="probe", name="it", said_no=True),
    )
    assert played.rollbacks == (Step(kind="action", name="it"),)


def test_a_probe_that_raised_has_its_reason() -> None:
    """It is not a no."""
    look = look_at(state(met=False, status="failed", output=None))
    assert (look.met, look.broken, look.raised) == (False, False, "FaultError: no target")


def test_a_look_that_was_cut_short_is_none() -> None:
    """A signal in the middle leaves a probe without an end, or none at all."""
    half = state(met=None)
    del half["probes"][0]["end"]
    assert look_at(half) is None
    assert look_at({"steady_state_met": None, "probes": []}) is None
    assert look_at(None) is None


def test_no_journal_is_none_and_a_broken_one_is_said(tmp_path: Path) -> None:
    """A killed runner leaves none; what does not read is named."""
    path = tmp_path / "journal.json"
    assert read_journal(path) is None
    path.write_bytes(journal()[:-20])
    with pytest.raises(JournalError, match=r"journal\.json: expected a journal"):
        read_journal(path)
    with pytest.raises(JournalError):
        look_at({"probes": 3})
