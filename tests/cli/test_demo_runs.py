"""What stays of old runs."""

from pathlib import Path

import pytest

from cli.demo_runs import RUNS_KEPT, new_run, prune
from runtime.locks import file_lock


def fail(problem: str) -> None:
    pytest.fail(problem)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Five runs more than are kept, numbered by age from 10."""
    for n in range(10, 15 + RUNS_KEPT):
        (tmp_path / name(n) / "leases").mkdir(parents=True)
        (tmp_path / name(n) / "requests.ndjson").write_text("{}\n")
    return tmp_path


def name(n: int) -> str:
    return f"202601{n:02}-000000-abcdefgh"


def test_a_new_run_removes_all_but_the_newest(runs: Path) -> None:
    """The new one counts, the oldest go, and nothing in the others is touched."""
    with new_run(runs, fail) as folder:
        left = sorted(path.name for path in runs.iterdir())
        assert len(left) == RUNS_KEPT
        assert left == [*(name(n) for n in range(16, 15 + RUNS_KEPT)), folder.name]
        assert folder.stat().st_mode & 0o777 == 0o700
    assert (runs / name(16) / "requests.ndjson").read_text() == "{}\n"


def test_what_is_in_use_has_a_fault_or_is_no_run_stays(runs: Path) -> None:
    """A run somebody writes, one whose fault is not healed, a stranger's folder, a file and a link."""
    (runs / name(11) / "leases" / "01-link_cut.json").write_text("{}")
    (runs / "20200101-mine").mkdir()
    (runs / "20200101-000000-abcdefgh").write_text("a file")
    (runs / "20200102-000000-abcdefgh").symlink_to(runs / name(12))
    with file_lock(runs / name(10) / "in-use", wait_s=0):
        assert prune(runs) == []
    left = {path.name for path in runs.iterdir()}
    strangers = {"20200101-mine", "20200101-000000-abcdefgh", "20200102-000000-abcdefgh"}
    kept = {name(n) for n in (10, 11, *range(15, 15 + RUNS_KEPT))}
    assert left == strangers | kept


def test_a_run_under_way_is_in_use(runs: Path) -> None:
    """Until its context is left, others' new runs leave it alone."""
    with new_run(runs, fail) as folder:
        old = folder.rename(runs / name(1))
        (runs / name(9)).mkdir()
        prune(runs)
        assert old.is_dir()
    prune(runs)
    assert not old.exists()


def test_a_run_that_cannot_be_removed_is_told(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new run goes on; path and reason are said."""

    def refuse(path: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("cli.demo_runs.shutil.rmtree", refuse)
    told: list[str] = []
    with new_run(runs, told.append):
        assert len(told) == 6
    assert f"{runs / name(10)}: old run not removed (Operation not permitted); fix: " in told[0]
