"""The load generator as a child process."""

import socket
from pathlib import Path

import pytest

from cli.demo_options import DemoOptions, load_plan
from cli.demo_traffic import Traffic, TrafficError, prepare
from contracts.load import LoadPlan


def plan(door: str, run: str = "abc") -> LoadPlan:
    options = DemoOptions(root=Path(), seed=1, rate=100, duration_s=0.5)
    return load_plan(options, run=run, core=door, edge=door)


@pytest.fixture
def closed_door() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def test_a_run_against_a_closed_door_ends_with_its_summary(
    tmp_path: Path, closed_door: str
) -> None:
    """Nobody listens: requests fail, the run does not; rows and summary are there."""
    assert prepare(plan(closed_door), tmp_path) > 0
    with Traffic(tmp_path) as traffic:
        traffic.wait_until(0.1)
        summary = traffic.finish()
    assert summary.sent == summary.planned > 0


def test_a_plan_that_cannot_be_is_refused_with_the_generator_s_words(tmp_path: Path) -> None:
    """The field and the expectation reach whoever asked."""
    with pytest.raises(TrafficError, match="run:"):
        prepare(plan("127.0.0.1:1", run="no/slash"), tmp_path)


def test_a_generator_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    """Without a plan file it ends at once, and its last words are told."""
    with pytest.raises(TrafficError, match=r"plan\.json"), Traffic(tmp_path):
        pass
