"""Twin of chaos/runs/conduct.py: real runs on a real stage; each reason provoked and reported as itself."""

import signal
from pathlib import Path

import msgspec
import pytest

from chaos.leases import Leases
from chaos.runs.conduct import Place, conduct
from chaos.runs.experiment import Loaded
from chaos.runs.folder import heal_the_dead
from contracts.chaos import ChaosResult
from runtime.processes import is_running, signal_process
from tests.chaos.runs.experiments import GOOD, HEAL, changed, loaded, word
from tests.chaos.stage import Stage, eventually

GAP_S = 5.0
"""Machines that run tests are busy; that looks too far apart are told is tested on facts."""


def play(stage: Stage, loaded_one: Loaded) -> ChaosResult:
    place = Place(cloud=stage.path, runs=stage.root / "runs", gap_s=GAP_S)
    return conduct(loaded_one, place, seed=7, say=lambda _text: None)


def whole(stage: Stage) -> bool:
    return stage.all_run() and not list(stage.root.glob("runs/*/leases/*.json"))


def test_a_good_run_passes_and_keeps_its_journal(full_stage: Stage, tmp_path: Path) -> None:
    """Killed, seen, healed, looked at again; the folder holds everything that was judged by."""
    result = play(full_stage, loaded(tmp_path))
    assert (result.verdict, result.reasons) == ("passed", ())
    assert [fault.kind for fault in result.faults] == ["node_kill"]
    assert result.faults[0].healed_mono_ns
    assert result.looks > 2
    folder = Path(result.journal).parent
    kept = {path.name for path in folder.iterdir()}
    assert kept >= {"start.json", "result.json", "journal.json", "faults.ndjson", "experiment.yaml", "toolkit.log"}  # fmt: skip
    assert msgspec.json.decode((folder / "result.json").read_bytes(), type=ChaosResult) == result
    assert whole(full_stage)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


ALL_RUN = ("share_min: 0.5", "share_min: 1.0")
ALL_RUN_LATER = "{type: probe, name: all run, tolerance: true, provider: {type: python, module: chaos.runs.looks, func: processes_run, arguments: {role: ads, site: public}}}"
SLOW_END = HEAL.replace("}}\n", "}, pauses: {after: 0.5}}\n")

CASES: dict[str, tuple[str, str, str]] = {
    "a probe's module that cannot be imported": (
        "error", "Python module",
        changed(("module: chaos.runs.looks, func: processes_run, arguments: {role: ads, site: public, share_min: 0.5}",
                 "module: tests.nowhere, func: look"))),
    "SIGTERM": ("interrupted", "a signal", changed(
        ("rollbacks:\n", word("end_soon", after=10) + "rollbacks:\n"), ("ttl_s: 20", "ttl_s: 60"))),
    "a safeguard": ("aborted", "a node runs", changed(
        ("share_min: 0.2", "share_min: 0.9"), ("after: 0.5}", "after: 10}"), ("ttl_s: 20", "ttl_s: 60"))),
    "a probe that raises": ("probe_error", "no way to look", changed(
        ("module: chaos.runs.looks, func: processes_run, arguments: {role: ads, site: public, share_min: 0.5}",
         "module: tests.chaos.runs.words, func: cannot_look"))),
    "a baseline that does not hold": ("baseline_not_met", "enough nodes run", changed(
        ("role: ads, site: public, share_min: 0.5", "role: clicks, site: public"))),
    "too few would stay": ("action_failed", "would stay healthy", changed(
        ("{share: 0.4}", "{share: 0.4, healthy_min: 9}"))),
    "a rollback that raises": ("rollback_failed", "on purpose", changed((HEAL, word("raises") + HEAL))),
    "harm that nobody heals": ("not_restored", "all run: said no after the rollback", changed(
        ("rollbacks:\n", word("harm") + "rollbacks:\n"), ("share_min: 0.5", "share_min: 0.2"),
        ("restored_within_s: 5", "restored_within_s: 0.2\n    restored:\n      - " + ALL_RUN_LATER))),
    "broken at the end": ("deviated", "at the end", changed(ALL_RUN, ("after: 0.5}", "after: 0.1}"))),
    "broken for too long": ("deviated", "still said no", changed(
        ALL_RUN, ("after: 0.5}", "after: 1.0}"), ("rollbacks:\n", SLOW_END + "rollbacks:\n"))),
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES))
def test_each_reason_is_reported_as_itself(full_stage: Stage, tmp_path: Path, case: str) -> None:
    """What really went wrong is the verdict, and no fault of ours is left in force."""
    verdict, text, experiment = CASES[case]
    one = (
        _with_a_missing_module(tmp_path)
        if "tests.nowhere" in experiment
        else loaded(tmp_path, experiment)
    )
    result = play(full_stage, one)
    assert result.verdict == verdict, result.reasons
    assert text in result.reasons[0].text
    assert not list(full_stage.root.glob("runs/*/leases/*.json"))
    if "harm" not in case:
        assert whole(full_stage)


def _with_a_missing_module(folder: Path) -> Loaded:
    """Past the check of files, which would refuse it: a module that went missing between check and run."""
    one = loaded(folder)
    probe = one.experiment.hypothesis.probes[0]
    provider = msgspec.structs.replace(probe.provider, module="tests.nowhere", arguments={})
    probes = (msgspec.structs.replace(probe, provider=provider),)
    hypothesis = msgspec.structs.replace(one.experiment.hypothesis, probes=probes)
    experiment = msgspec.structs.replace(one.experiment, hypothesis=hypothesis)
    return msgspec.structs.replace(one, experiment=experiment)


def test_a_node_that_does_not_come_back_is_not_restored(
    full_stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rollback failed too, but what counts is that the lease is open; the next run heals it first."""
    monkeypatch.setattr("chaos.cloud.READY_S_MAX", 0.3)
    monkeypatch.setattr("chaos.runs.conduct.LEASE_S", 0.5)
    monkeypatch.setattr("chaos.lifecycle.WATCHDOG_END_S_MAX", 0.5)
    broken = full_stage.root / "broken"
    for number in range(1, 6):
        node = full_stage.cloud.named(f"ad-{number}")
        signal_process(node.pid, node.start_ticks, signal.SIGKILL)
        eventually(lambda node=node: not is_running(node.pid, node.start_ticks))
    full_stage._records = [it for it in full_stage._records if it.role != "ads"]
    full_stage.node("ad-9", "--refuse-to-start", str(broken))
    full_stage.save()
    text = changed(("share_min: 0.5", "share_min: 0.0"), ("share_min: 0.2", "share_min: 0.0"), ("{share: 0.4}", "{share: 0.4, healthy_min: 0}"), ("before: 0.2", "before: 0.1"))  # fmt: skip
    broken.touch()
    result = play(full_stage, loaded(tmp_path, text))
    assert [reason.id for reason in result.reasons[:2]] == ["rollback_failed", "not_restored"]
    leases = Leases(Path(result.journal).parent / "leases")
    assert [lease.kind for lease in leases.open_leases()] == ["node_kill"]
    broken.unlink()
    monkeypatch.undo()
    assert heal_the_dead(full_stage.root / "runs") == {}
    eventually(lambda: whole(full_stage))


def test_two_runs_in_one_process_do_not_meet(full_stage: Stage, tmp_path: Path) -> None:
    """An aborted run leaves neither its safeguard nor its session to the next."""
    aborted = changed(("share_min: 0.2", "share_min: 0.9"), ("after: 0.5}", "after: 5}"))
    assert play(full_stage, loaded(tmp_path, aborted)).verdict == "aborted"
    assert play(full_stage, loaded(tmp_path, GOOD)).verdict == "passed"
