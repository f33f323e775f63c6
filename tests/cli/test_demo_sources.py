"""Reading the places that each know a part of a run."""

from pathlib import Path

import pytest

from cli.demo_place import FactError
from cli.demo_sources import Counts, poll, read_lines, totals
from contracts.history import LedgerRow

ROW = b'{"key":"k","order_id":"o","body_sha":"s"}\n'
METRICS = """# HELP isthmus_router_decisions Decisions.
# TYPE isthmus_router_decisions counter
isthmus_router_decisions_total{kind="sensitive"} 3
isthmus_router_decisions_total{kind="raised"} 4
# HELP isthmus_router_guard_blocks Blocks.
# TYPE isthmus_router_guard_blocks counter
isthmus_router_guard_blocks_total 1
"""


def test_counters_are_summed_over_their_labels() -> None:
    """Three sensitive and four raised decisions are seven decisions."""
    found = totals(METRICS)
    assert found["isthmus_router_decisions_total"] == 7
    assert found["isthmus_router_guard_blocks_total"] == 1


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    """A writer that was killed leaves half a line; the whole ones count."""
    path = tmp_path / "rows"
    path.write_bytes(ROW * 2 + ROW[:10])
    assert len(read_lines(path, LedgerRow)) == 2


def test_a_broken_line_inside_the_file_is_an_error(tmp_path: Path) -> None:
    """Anything but a torn end means the file is not what it should be."""
    path = tmp_path / "rows"
    path.write_bytes(ROW + b"{}\n" + ROW)
    with pytest.raises(FactError, match="rows"):
        read_lines(path, LedgerRow)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    """The load run should have written it."""
    with pytest.raises(FactError, match="gone"):
        read_lines(tmp_path / "gone", LedgerRow)


def test_counts_since_a_baseline_leave_out_earlier_runs() -> None:
    """A kept cloud has counted other runs; the chain is judged as a whole."""
    before = Counts(decisions=10, guard_blocks=1, recorded=10, chain_ok=True)
    now = Counts(decisions=15, guard_blocks=1, recorded=14, chain_ok=False)
    assert now.since(before) == Counts(decisions=5, guard_blocks=0, recorded=4, chain_ok=False)


def test_poll_says_whether_it_came_true() -> None:
    """It asks until yes, and gives up at its time."""
    answers = iter([False, False, True])
    assert poll(lambda: next(answers), within_s=10)
    assert not poll(lambda: False, within_s=0)
