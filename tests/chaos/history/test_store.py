"""Twin of chaos/history/store.py."""

import stat
from pathlib import Path

import msgspec
import pytest

from chaos.history.store import History, HistoryError
from contracts.chaos import ChaosResult

RUN = ChaosResult(
    run="r1", experiment="link-cut", title="t", digest="d", seed=1, tier="tier0", verdict="passed",
    reasons=(), started_wall_s=1.0, duration_s=1.0,
)  # fmt: skip


def test_runs_are_kept_newest_first_and_once(tmp_path: Path) -> None:
    """A second result of the same run takes the first one's place; the file is ours alone."""
    kept = History(tmp_path / "home/chaos.db")
    assert kept.runs() == ()
    later = msgspec.structs.replace(RUN, run="r2", started_wall_s=2.0)
    kept.keep([RUN, later])
    kept.keep([msgspec.structs.replace(RUN, verdict="deviated")])
    assert [(it.run, it.verdict) for it in kept.runs()] == [("r2", "passed"), ("r1", "deviated")]
    assert kept.runs(limit=1) == (later,)
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600


def test_nothing_to_keep_makes_no_file(tmp_path: Path) -> None:
    """Asking for the history of a directory without one leaves it as it was."""
    kept = History(tmp_path / "chaos.db")
    kept.keep([])
    assert not kept.path.exists()


@pytest.mark.parametrize("content", [b"not a database at all" * 100])
def test_a_file_that_is_no_history_is_named(tmp_path: Path, content: bytes) -> None:
    """Which file, what was expected, and the fix."""
    path = tmp_path / "chaos.db"
    path.write_bytes(content)
    with pytest.raises(HistoryError, match=r"chaos\.db: .*; expected .*; fix: "):
        History(path).runs()
    with pytest.raises(HistoryError, match=r"chaos\.db: "):
        History(path).keep([RUN])
