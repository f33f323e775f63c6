"""Locust started as a process: its command line, its verdict, and what it says when there is none."""

import pytest

from contracts.flows import FlowSettings, FlowStage
from loadtest.flows.run import FlowsError, command, finish, start


def settings(out, **changes):
    fields = {"run": "f", "seed": 1, "out": str(out), "stages": (FlowStage(for_s=1, users=1),)}
    return FlowSettings(**{**fields, **changes})


def test_more_workers_are_processes_of_one_master(tmp_path):
    """One needs none."""
    assert "--processes" not in command(settings(tmp_path), "http://h")
    assert command(settings(tmp_path, workers=3), "http://h")[-2:] == ["--processes", "3"]


def test_a_locust_that_cannot_start_says_why(tmp_path, monkeypatch):
    """Its last words are in the error; an old verdict is not taken for its own."""
    (tmp_path / "flows.json").write_text("{}")
    monkeypatch.setattr("loadtest.flows.run.LOCUSTFILE", tmp_path / "none.py")
    process = start(settings(tmp_path), "http://127.0.0.1:1")
    with pytest.raises(FlowsError, match="left no verdict"):
        finish(settings(tmp_path), process)


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path):
    """Before anything is started."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowsError):
        start(settings(tmp_path / "file"), "http://h")
