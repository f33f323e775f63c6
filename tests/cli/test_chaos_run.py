"""Twin of cli/chaos_run.py: runs as a user starts them, refusals, and a runner that is killed at any moment."""

import os
import random
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from chaos.history.store import History
from chaos.leases import Leases
from cli.chaos import chaos_app
from contracts.chaos import ChaosResult
from contracts.tap import TapReport
from runtime.control import call_control
from runtime.locks import file_lock
from tests.chaos.runs.experiments import GOOD, changed
from tests.chaos.stage import Stage, eventually
from tests.cli.chaos_home import chaos_home, experiment, isthmus

runner = CliRunner()
KILLS = int(os.environ.get("ISTHMUS_CHAOS_KILLS", "3"))
"""How many random moments the runner is killed at; 20 for the long proof."""
TTL_S = 20.0
CUT = "  - {type: action, name: cut, provider: {type: python, module: chaos.runs.actions, func: cut_link}, pauses: {after: 0.4}}\n"
STOP = "  - {type: action, name: stop, provider: {type: python, module: chaos.runs.actions, func: stop_nodes, arguments: {share: 0.3}}, pauses: {after: 0.4}}\n"
MANY = changed(
    ("rollbacks:\n", STOP + CUT + "rollbacks:\n"),
    ("share_min: 0.5", "share_min: 0.2"),
    ("sites: [public]", "sites: [public, link]"),
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[Path, Stage]]:
    with chaos_home(tmp_path) as built:
        yield built


def run(home: Path, *arguments: str) -> tuple[int, ChaosResult]:
    """The command in this process."""
    shown = runner.invoke(chaos_app, ["run", *arguments, "--home", str(home), "--json"])
    assert shown.stdout, shown.output
    return shown.exit_code, msgspec.json.decode(shown.stdout, type=ChaosResult)


def without_gaps(result: ChaosResult) -> set[str]:
    """The reasons but for one a busy machine may add: its looks came too far apart."""
    return {it.id for it in result.reasons if "too far apart" not in it.text}


def test_a_run_is_judged_shown_and_kept(home: tuple[Path, Stage], tmp_path: Path) -> None:
    """Passed, exit 0, a row in the history; the same seed draws the same victims."""
    path = str(experiment(tmp_path))
    _, first = run(home[0], path, "--seed", "5")
    _, second = run(home[0], path, "--seed", "5")
    assert without_gaps(first) == without_gaps(second) == set()
    assert first.faults[0].targets == second.faults[0].targets
    assert [it.run for it in History(home[0] / "chaos.db").runs()] == [second.run, first.run]
    shown = runner.invoke(chaos_app, ["run", path, "--home", str(home[0])])
    assert "Two of five nodes die" in shown.stdout
    assert "01-node_kill" in shown.stdout
    assert "seed" in shown.stdout


def test_a_bad_file_injects_nothing(home: tuple[Path, Stage], tmp_path: Path) -> None:
    """Exit 2 with line and fix; no folder, no history; `check` says the same without a cloud."""
    path = str(experiment(tmp_path, GOOD.replace("func: kill_nodes", "func: kil_nodes")))
    refused = runner.invoke(chaos_app, ["run", path, "--home", str(home[0])])
    assert refused.exit_code == 2
    assert "nothing was injected" in refused.stderr
    assert "fixture.yaml:17: " in refused.stderr
    assert "did you mean" in refused.stderr
    assert not (home[0] / "runs").exists()
    assert not (home[0] / "chaos.db").exists()
    checked = runner.invoke(chaos_app, ["check", "link-cut", path])
    assert checked.exit_code == 2
    assert "link-cut: usable on tier0" in checked.stdout


def calendar(folder: Path, text: str) -> str:
    path = folder / "chaos.yaml"
    path.write_text("version: isthmus/v1\n" + text)
    return str(path)


def freeze(folder: Path) -> str:
    now = datetime.now(UTC)
    start, end = (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=1)).isoformat()
    return calendar(folder, f'freezes: [{{name: sale, start: "{start}", end: "{end}"}}]\n')


def test_each_gate_refuses_says_so_and_is_in_the_history(
    home: tuple[Path, Stage], tmp_path: Path
) -> None:
    """Freeze, window, unknown budget, a tier this cloud is not: exit 3, nothing injected, a row each."""
    path = str(experiment(tmp_path))
    day = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    seen = [run(home[0], path, "--calendar", freeze(tmp_path))]
    window = f'windows: [{{days: [{day}], start: "09:00", end: "10:00"}}]\n'
    seen.append(run(home[0], path, "--calendar", calendar(tmp_path, window)))
    seen.append(run(home[0], path, "--calendar", calendar(tmp_path, "budget: {objective: 0.99}\n")))
    other = experiment(tmp_path, GOOD.replace("tiers: [tier0]", "tiers: [tier1]"))
    seen.append(run(home[0], str(other)))
    assert [(code, it.verdict, it.reasons[0].id) for code, it in seen] == [
        (3, "refused", "refused_freeze"),
        (3, "refused", "refused_window"),
        (3, "refused", "refused_budget"),
        (3, "refused", "refused_place"),
    ]
    assert len(History(home[0] / "chaos.db").runs()) == 4
    assert not list(home[0].glob("runs/chaos-*"))
    bad = runner.invoke(
        chaos_app, ["run", path, "--home", str(home[0]), "--calendar", calendar(tmp_path, "zone: Mars\n")]
    )  # fmt: skip
    assert bad.exit_code == 2
    assert "chaos.yaml:2: zone" in bad.stderr


def test_a_cloud_that_is_taken_or_not_there_is_refused(
    home: tuple[Path, Stage], tmp_path: Path
) -> None:
    """Another command has it, it is not kept, or there is none: exit 3 and the fix."""
    path = str(experiment(tmp_path))
    with file_lock(home[0] / "run.lock", wait_s=0):
        code, result = run(home[0], path)
    assert (code, result.reasons[0].id) == (3, "refused_lock")
    assert f"held by process {os.getpid()}" in result.reasons[0].text
    home[1].save(keep=False)
    assert run(home[0], path)[1].reasons[0].id == "refused_place"
    code, result = run(tmp_path / "nowhere", path)
    assert (code, result.reasons[0].id) == (3, "refused_place")
    assert "fix: isthmus up local" in result.reasons[0].text
    assert not (tmp_path / "nowhere").exists()


def test_a_fault_left_by_the_dead_that_cannot_be_healed_is_refused(
    home: tuple[Path, Stage], tmp_path: Path
) -> None:
    """Chaos on top of a fault nobody controls: exit 5."""
    leases = home[0] / "runs/old/leases"
    leases.mkdir(parents=True)
    (leases / "01-link_cut.json").write_text("{}")
    code, result = run(home[0], str(experiment(tmp_path)))
    assert (code, result.reasons[0].id) == (5, "refused_faults")
    assert "01-link_cut.json" in result.reasons[0].text


def test_an_operator_who_ends_a_run_gets_everything_back(
    home: tuple[Path, Stage], tmp_path: Path
) -> None:
    """SIGINT in the middle: rolled back, looked at again, judged interrupted, exit 4."""
    text = changed(("after: 0.5}", "after: 30}"), ("ttl_s: 20", "ttl_s: 90"))
    with isthmus(
        "run", str(experiment(tmp_path, text)), "--home", str(home[0]), "--json"
    ) as process:
        eventually(lambda: list(home[0].glob("runs/chaos-*/faults.ndjson")), within_s=60)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    result = msgspec.json.decode(stdout, type=ChaosResult)
    assert (process.returncode, result.verdict) == (4, "interrupted"), stderr
    assert whole(*home)


def whole(home: Path, stage: Stage) -> bool:
    """Whether no fault is in force and everything runs."""
    relay = home / "cloud/relay.sock"
    return (
        not list(home.glob("runs/*/leases/*.json"))
        and stage.all_run()
        and not msgspec.json.decode(call_control(relay, "stats"), type=TapReport).cut
    )


@pytest.mark.parametrize("moment", range(KILLS))
def test_a_runner_killed_at_any_moment_leaves_nothing(
    home: tuple[Path, Stage], tmp_path: Path, moment: int
) -> None:
    """SIGKILL: every fault healed within its time, the run told as interrupted, the next one clean."""
    path = str(experiment(tmp_path, MANY))
    chance = random.Random(f"moment {moment}")
    with isthmus("run", path, "--home", str(home[0])) as process:
        eventually(lambda: list(home[0].glob("runs/chaos-*/start.json")), within_s=60)
        time.sleep(chance.uniform(0, 3.0))  # the moment is the matter of the test, not a wait
        process.kill()
        process.communicate()
    eventually(lambda: whole(*home), within_s=TTL_S)
    eventually(lambda: not _watched(home[0]), within_s=TTL_S)
    code, result = run(home[0], path)
    assert without_gaps(result) == set(), result.reasons
    assert code in {0, 3}
    rows = History(home[0] / "chaos.db").runs()
    assert [it.run for it in rows][0] == result.run  # noqa: RUF015 - the order is what is asked
    killed = [it for it in rows if it.run != result.run]
    assert [it.verdict for it in killed] in (["interrupted"], ["passed"], ["probe_error"])
    assert whole(*home)


def _watched(home: Path) -> bool:
    directories = [Leases(path) for path in home.glob("runs/*/leases")]
    found = False
    for leases in directories:
        with leases.locked():
            found = found or leases.is_watched()
    return found
