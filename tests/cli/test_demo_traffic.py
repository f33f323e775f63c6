"""The load generator as a child process."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from cli.demo_options import DemoOptions, load_plan
from cli.demo_traffic import Traffic, TrafficError, prepare
from contracts.load import LoadPlan
from runtime.processes import marked_processes, start_ticks

ROOT = Path(__file__).parents[2]


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
    assert prepare(plan(closed_door), tmp_path, cloud=str(tmp_path)) > 0
    with Traffic(tmp_path, cloud=str(tmp_path)) as traffic:
        traffic.wait_until(0.1)
        summary = traffic.finish()
    assert summary.sent == summary.planned > 0


def test_a_plan_that_cannot_be_is_refused_with_the_generator_s_words(tmp_path: Path) -> None:
    """The field and the expectation reach whoever asked."""
    with pytest.raises(TrafficError, match="run:"):
        prepare(plan("127.0.0.1:1", run="no/slash"), tmp_path, cloud="x")


def test_a_generator_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    """Without a plan file it ends at once, and its last words are told."""
    with pytest.raises(TrafficError, match=r"plan\.json"), Traffic(tmp_path, cloud="x"):
        pass


def test_the_generator_ends_with_whoever_started_it(tmp_path: Path, closed_door: str) -> None:
    """A demo that is killed cannot stop its generator; it stops itself."""
    lasting = msgspec.structs.replace(plan(closed_door), duration_s=300)
    prepare(lasting, tmp_path, cloud="x")
    code = (
        "import sys, pathlib; from cli.demo_traffic import Traffic\n"
        "Traffic(pathlib.Path(sys.argv[1]), cloud=sys.argv[1]).__enter__()\n"
        "import os; os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=ROOT)
    deadline = time.monotonic() + 30
    while marked_processes(str(tmp_path)):
        assert time.monotonic() < deadline, "the generator outlived its parent"
        time.sleep(0.05)


def test_both_processes_carry_the_mark_and_the_run_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command after a killed demo finds them by their environment; the run knows whom to end with beforehand."""
    witness = tmp_path / "witness"
    witness.write_text(f'#!/bin/sh\necho "$ISTHMUS_CLOUD" "$@" >> {tmp_path}/seen\nexit 1\n')
    witness.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(witness))
    with pytest.raises(TrafficError):
        prepare(plan("127.0.0.1:1"), tmp_path, cloud="/a/cloud")
    with pytest.raises(TrafficError), Traffic(tmp_path, cloud="/a/cloud"):
        pass
    prepared, ran = (tmp_path / "seen").read_text().splitlines()
    assert prepared.startswith("/a/cloud -m loadtest prepare")
    assert ran.startswith("/a/cloud -m loadtest run")
    assert ran.endswith(f"--with-parent {os.getpid()}:{start_ticks(os.getpid())}")
