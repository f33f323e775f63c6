"""Twin of cli/chaos_history.py."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from chaos.history.store import History
from cli.chaos import chaos_app
from contracts.chaos import ChaosHistory, ChaosReason, ChaosResult
from contracts.fault import FaultRecord

runner = CliRunner()
FAULT = FaultRecord(
    id="01", kind="node_kill", targets=("ad-1",), injected_mono_ns=1, proven=True, proof="seen"
)


def result(experiment: str, verdict: str, *, age_h: float) -> ChaosResult:
    reasons = () if verdict == "passed" else (ChaosReason(id=verdict, text="ads at the core"),)
    return ChaosResult(
        run=f"{experiment}-{age_h}", experiment=experiment, title="t", digest="d", seed=1,
        tier="tier0", verdict=verdict, reasons=reasons,
        started_wall_s=time.time() - age_h * 3600, duration_s=1.0, faults=(FAULT,),
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    History(tmp_path / "chaos.db").keep(
        [
            result("link-cut", "passed", age_h=1),
            result("kill-30-percent", "deviated", age_h=2),
            result("kill-30-percent", "passed", age_h=50),
        ]
    )
    return tmp_path


def test_the_history_tells_runs_and_what_pulls_the_score_down(home: Path) -> None:
    """Newest first; the failed check is named; --limit cuts the runs, never the score."""
    shown = runner.invoke(chaos_app, ["history", "--home", str(home)])
    assert shown.exit_code == 0
    assert "never run" in shown.output
    told = runner.invoke(chaos_app, ["history", "--home", str(home), "--limit", "1", "--json"])
    history = msgspec.json.decode(told.stdout, type=ChaosHistory)
    assert [it.experiment for it in history.runs] == ["link-cut"]
    scores = {it.experiment: it for it in history.experiments}
    assert scores["link-cut"].score == 100
    assert scores["kill-30-percent"].score == 50
    assert scores["kill-30-percent"].failed_check == "deviated: ads at the core"
    assert 0 < history.score < 100


def test_nothing_ever_ran(tmp_path: Path) -> None:
    """Score 0, no file made, exit 0."""
    told = runner.invoke(chaos_app, ["history", "--home", str(tmp_path / "none"), "--json"])
    assert told.exit_code == 0
    assert msgspec.json.decode(told.stdout, type=ChaosHistory).score == 0
    assert not (tmp_path / "none").exists()


def test_a_history_that_cannot_be_read_exits_3(tmp_path: Path) -> None:
    """Which file, and what to do with it."""
    (tmp_path / "chaos.db").write_bytes(b"no database" * 200)
    shown = runner.invoke(chaos_app, ["history", "--home", str(tmp_path)])
    assert shown.exit_code == 3
    assert "chaos.db" in shown.stderr
    assert "fix: " in shown.stderr


def test_the_schedule_says_what_is_due(home: Path, tmp_path: Path) -> None:
    """Done since the last tick: 0; due and allowed: 1; due and frozen: 3 with the freeze's name."""
    calendar = tmp_path / "chaos.yaml"
    asked = ["schedule", "--home", str(home), "--calendar", str(calendar)]
    now = datetime.now(UTC)
    yearly = f"{now.minute} {now.hour} {now.day} {now.month} *"
    old = now - timedelta(hours=20)
    done = f"{old.minute} {old.hour} * * *"
    head = "version: isthmus/v1\nschedule:\n"
    calendar.write_text(f'{head}  - {{experiment: link-cut, cron: "{done}"}}\n')
    assert runner.invoke(chaos_app, asked).exit_code == 0
    calendar.write_text(f'{head}  - {{experiment: link-cut, cron: "{yearly}"}}\n')
    due = runner.invoke(chaos_app, [*asked, "--json"])
    assert due.exit_code == 1
    line = json.loads(due.stdout)["lines"][0]
    assert (line["experiment"], line["due"], line["refused"]) == ("link-cut", True, [])
    start, end = (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=1)).isoformat()
    with calendar.open("a") as file:
        file.write(f'freezes: [{{name: double11, start: "{start}", end: "{end}"}}]\n')
    frozen = runner.invoke(chaos_app, [*asked, "--json"])
    assert frozen.exit_code == 3
    assert "double11" in frozen.stdout


def test_without_a_calendar_nothing_is_scheduled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And how to schedule something is said."""
    monkeypatch.chdir(tmp_path)
    shown = runner.invoke(chaos_app, ["schedule"])
    assert shown.exit_code == 0
    assert "write schedule: in chaos.yaml" in shown.stdout


def test_metrics_are_an_exposition_on_screen_or_in_a_file(home: Path, tmp_path: Path) -> None:
    """The file is whole or not there; both hold the same."""
    shown = runner.invoke(chaos_app, ["metrics", "--home", str(home)])
    names = {family.name for family in text_string_to_metric_families(shown.stdout)}
    assert {"isthmus_chaos_score", "isthmus_chaos_last_run_passed"} <= names
    textfile = tmp_path / "isthmus_chaos.prom"
    kept = runner.invoke(chaos_app, ["metrics", "--home", str(home), "--textfile", str(textfile)])
    assert kept.exit_code == 0
    assert textfile.read_text().startswith("# HELP isthmus_chaos_score")
    assert [path.name for path in tmp_path.glob("*.tmp")] == []
