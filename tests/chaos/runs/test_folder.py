"""Twin of chaos/runs/folder.py: what a runner leaves, and what is made of it when it died."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from chaos.leases import Leases
from chaos.runs import folder as folders
from chaos.runs.folder import new_folder, prune, refuse, results
from contracts.chaos import ChaosReason, ChaosStart
from contracts.fault import Lease
from tests.chaos.runs.experiments import loaded


def dead_run(tmp_path: Path) -> tuple[Path, ChaosStart]:
    """A folder whose runner is gone."""
    folder, start = new_folder(
        tmp_path / "runs", loaded(tmp_path), seed=7, cloud=tmp_path / "state.json"
    )
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
    gone.wait()
    start = msgspec.structs.replace(start, runner_pid=gone.pid)
    (folder / "start.json").write_bytes(msgspec.json.encode(start))
    return folder, start


def test_a_run_that_goes_on_has_no_result(tmp_path: Path) -> None:
    """Its runner lives: it will judge itself."""
    folder, start = new_folder(
        tmp_path / "runs", loaded(tmp_path), seed=7, cloud=tmp_path / "state.json"
    )
    assert (folder / "experiment.yaml").exists()
    assert start.digest == loaded(tmp_path).digest
    assert list(results(tmp_path / "runs")) == []
    assert list(results(tmp_path / "none")) == []


def test_a_dead_runner_was_interrupted(tmp_path: Path) -> None:
    """Judged once, from what it left; the judgement stays."""
    folder, start = dead_run(tmp_path)
    found = list(results(tmp_path / "runs"))
    assert [(it.run, it.verdict) for it in found] == [(start.run, "interrupted")]
    assert (folder / "result.json").exists()
    assert list(results(tmp_path / "runs")) == found


def test_a_fault_in_force_is_told_and_not_yet_judged_for_good(tmp_path: Path) -> None:
    """While the watchdog works the run is not restored; once it is healed it was only interrupted."""
    folder, start = dead_run(tmp_path)
    leases = Leases(folder / "leases")
    lease = Lease(
        id="01-link_cut", kind="link_cut", targets=("none",), params={}, cloud="c", runner_pid=1,
        runner_start_ticks=1, created_wall_s=0.0, expires_wall_s=0.0,
    )  # fmt: skip
    with leases.locked():
        leases.write(lease)
    told = list(results(tmp_path / "runs"))[0]  # noqa: RUF015 - there is exactly one
    assert [reason.id for reason in told.reasons] == ["interrupted", "not_restored"]
    assert not (folder / "result.json").exists()
    with leases.locked():
        leases.remove(lease.id)
    assert [it.id for it in next(results(tmp_path / "runs")).reasons] == ["interrupted"]
    assert start.run in {path.name for path in (tmp_path / "runs").iterdir()}


def test_a_folder_without_a_start_was_no_run(tmp_path: Path) -> None:
    """It died before anything was injected."""
    (tmp_path / "runs/chaos-20261125-000000-link-cut-abcdef").mkdir(parents=True)
    assert list(results(tmp_path / "runs")) == []


def test_old_folders_go_but_none_with_a_fault_or_without_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest stay; so does the only record of how to heal."""
    monkeypatch.setattr(folders, "FOLDERS_KEPT", 1)
    runs = tmp_path / "runs"
    for n, kept in enumerate(
        ("result.json", "start.json", "leases/01.json", "result.json", "result.json")
    ):
        path = runs / f"chaos-2026112{n}-000000-link-cut-abcdef" / kept
        path.parent.mkdir(parents=True)
        path.write_text("{}")
        (path.parent.parent if "leases" in kept else path.parent).joinpath(
            "start.json" if kept == "start.json" else "result.json"
        ).write_text("{}")
    (runs / "20261125-000000-abcdefgh").mkdir()
    prune(runs)
    left = sorted(path.name[:14] for path in runs.iterdir())
    assert left == ["20261125-00000", "chaos-20261121", "chaos-20261122", "chaos-20261124"]


def test_a_refusal_is_a_result_without_a_folder(tmp_path: Path) -> None:
    """It says why, and nothing was injected."""
    reason = ChaosReason(id="refused_freeze", text="double11")
    refused = refuse(loaded(tmp_path), (reason,))
    assert (refused.verdict, refused.reasons, refused.faults) == ("refused", (reason,), ())
    assert not (tmp_path / "runs").exists()
