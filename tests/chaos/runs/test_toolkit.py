"""Twin of chaos/runs/toolkit.py: the library at work, and what it would let pass."""

import importlib
import signal
from pathlib import Path

import pytest

from chaos.runs.journal import read_journal
from chaos.runs.session import opened
from chaos.runs.toolkit import SAFEGUARDS, look_until_met, pause, plain, play
from tests.chaos.runs.experiments import changed, loaded
from tests.chaos.stage import Stage


def test_a_run_leaves_journal_and_log_and_takes_its_signals_back(
    full_stage: Stage, tmp_path: Path
) -> None:
    """Afterwards a late SIGUSR1 is nobody's, and SIGINT is what it was."""
    folder = full_stage.root / "run"
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with opened(folder, full_stage.path, seed=1, ttl_s=20) as configuration:
        outcome = play(loaded(tmp_path).experiment, configuration, folder)
    assert (outcome.fell_over, outcome.safeguard) == ("", "")
    assert read_journal(folder / "journal.json").status == "completed"
    assert "Experiment ended" in (folder / "toolkit.log").read_text()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_safeguards_that_are_not_loaded_are_an_error(
    full_stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the library it is a warning, and the run goes on without them."""
    module = importlib.import_module(SAFEGUARDS)

    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("not today")

    monkeypatch.setattr(module.Guardian, "prepare", broken)
    folder = full_stage.root / "run"
    with opened(folder, full_stage.path, seed=1, ttl_s=20) as configuration:
        outcome = play(loaded(tmp_path).experiment, configuration, folder)
    assert outcome.fell_over == "the safeguards were not loaded"


def test_the_state_is_looked_at_until_it_holds_or_time_is_up(
    full_stage: Stage, tmp_path: Path
) -> None:
    """A state that never holds is told with the probe that said no, one that raises with why."""
    never = changed(("share_min: 0.5", "share_min: 1.5"))
    configuration = {"isthmus_cloud": str(full_stage.path)}
    look = look_until_met(loaded(tmp_path, never).experiment, configuration, within_s=0.2)
    assert (look.met, look.probe) == (False, "enough nodes run")
    assert look_until_met(loaded(tmp_path).experiment, configuration, within_s=5).met
    absent = {"isthmus_cloud": str(tmp_path / "absent.json")}
    look = look_until_met(loaded(tmp_path).experiment, absent, within_s=0)
    assert "expected a cloud state" in look.raised


def test_the_configuration_goes_with_the_experiment(tmp_path: Path) -> None:
    """It is how a function finds its run."""
    document = plain(loaded(tmp_path).experiment, {"isthmus_run": "/r"})
    assert document["configuration"] == {"isthmus_run": "/r"}
    assert document["steady-state-hypothesis"]["title"] == "Enough nodes run"


def test_a_pause_is_a_step_of_its_own(tmp_path: Path) -> None:
    """The library would sit out a pause that belongs to a step which a signal has ended."""
    steps = plain(loaded(tmp_path).experiment, {})["method"]
    assert [step["name"] for step in steps] == ["kill two", "wait after kill two"]
    assert steps[0]["pauses"] == {"before": 0.2, "after": 0.0}
    assert steps[1]["provider"]["arguments"] == {"pause_s": 0.5}
    assert pause(0.0) == 0.0
