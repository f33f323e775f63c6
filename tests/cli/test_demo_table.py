"""What the terminal shows at the end."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from cli.demo_table import print_report
from loadtest.verdict import judge
from tests.loadtest.test_verdict import GOOD, LIMITS, SPOILED


def shown(reason: str | None = None) -> str:
    told = io.StringIO()
    report = judge(SPOILED[reason] if reason else GOOD, LIMITS)
    print_report(Console(file=told, width=200), report, Path("runs/report.html"))
    return told.getvalue()


def test_the_last_line_is_the_verdict_and_the_report() -> None:
    """A reader who sees one line sees the verdict and where to look."""
    last = shown().splitlines()[-1]
    assert last.startswith("VERDICT")
    assert "GO" in last
    assert last.endswith("runs/report.html")


@pytest.mark.parametrize("reason", sorted(SPOILED))
def test_every_reason_is_shown_with_measured_and_limit(reason: str) -> None:
    """Nothing that made the run red is left to the JSON alone."""
    line = next(line for line in shown(reason).splitlines() if line.strip().startswith(reason))
    assert "measured" in line
    assert "limit" in line
