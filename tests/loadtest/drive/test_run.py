"""A whole run over processes: started together, collected, and honest about what did not end as planned."""

import os
import signal

import msgspec
import pytest

from contracts.drive import DriveRun, MachineSecond
from contracts.slo import ClassObjective, Slo
from contracts.tap import Canary
from loadtest.drive.run import Drive, DriveError, interrupting, prepare
from loadtest.gate.judge import judge
from loadtest.gate.read import read_run
from loadtest.sink import read_lines
from tests.loadtest.drive.plans import GET, loaded_of, plan_of
from tests.loadtest.drive.test_driver import steady
from tests.loadtest.threads import shop_in_thread


@pytest.fixture
def shop():
    """A shop in a thread of its own, because `Drive` is for a program without a loop."""
    with shop_in_thread() as found:
        yield found


def test_workers_start_together_and_are_collected(tmp_path, shop):
    """Two workers: all requests sent, each second of the machine on record, canaries on paper."""
    seen, address = shop
    request = {**GET, "path": "/ads?c=${canary.email}"}
    loaded = loaded_of(
        plan_of(address, workers=2, canaries=7, requests=[request], profile=steady(200, 1.5))
    )
    assert prepare(loaded, tmp_path, tmp_path) == 7
    seconds = []
    with Drive(loaded, tmp_path) as drive:
        assert len(drive.pids) == 2
        drive.wait(seconds.append)
        run = drive.finish()
    assert (run.lost_workers, run.stopped) == ((), "")
    assert (
        sum(it.sent for it in run.summaries)
        == sum(it.planned for it in run.summaries)
        == len(seen.seen)
    )
    assert seconds[:2] == [0, 1]
    machine = list(read_lines(tmp_path / "machine.ndjson", MachineSecond))
    assert [it.second for it in machine][:2] == [0, 1]
    assert len(list(read_lines(tmp_path / "canaries.ndjson", Canary))) == 7
    assert msgspec.json.decode((tmp_path / "run.json").read_bytes(), type=DriveRun) == run


def test_a_killed_worker_is_missed(tmp_path, shop):
    """SIGKILL of one of two: the run ends, and names it."""
    _, address = shop
    loaded = loaded_of(plan_of(address, workers=2, profile=steady(100, 2)))
    prepare(loaded, tmp_path, tmp_path)
    with Drive(loaded, tmp_path) as drive:
        drive.wait(lambda _: None, until_s=0.5)
        os.kill(drive.pids[1], signal.SIGKILL)
        run = drive.finish()
    assert run.lost_workers == (1,)
    assert [it.worker for it in run.summaries] == [0]


def test_a_worker_that_was_stopped_for_a_while_is_late_and_invalid(tmp_path, shop):
    """SIGSTOP for a second: its requests leave late, their wait counts, and the gate believes none of it."""
    _, address = shop
    loaded = loaded_of(plan_of(address, profile=steady(200, 3)))
    prepare(loaded, tmp_path, tmp_path)
    with Drive(loaded, tmp_path) as drive:
        drive.wait(lambda _: None, until_s=0.5)
        os.kill(drive.pids[0], signal.SIGSTOP)
        drive.wait(lambda _: None, until_s=1.8)
        os.kill(drive.pids[0], signal.SIGCONT)
        run = drive.finish()
    assert run.summaries[0].late > 100
    slo = Slo(version="isthmus/v1", classes={"public": ClassObjective(p99_ms=500)})
    report = judge(read_run(tmp_path, slo), slo, {})
    assert {"generator_late", "p99"} <= {it.id for it in report.reasons}
    assert report.verdict == "INVALID"


def test_a_signal_stops_a_run_and_is_named(tmp_path, shop):
    """SIGTERM: workers drain, the summary says how much was not sent, and the old handlers are back."""
    _, address = shop
    loaded = loaded_of(plan_of(address, profile=steady(100, 60)))
    prepare(loaded, tmp_path, tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    with Drive(loaded, tmp_path) as drive, interrupting(drive):
        drive.wait(lambda second: os.kill(os.getpid(), signal.SIGTERM) if second == 1 else None)
        run = drive.finish()
    assert run.stopped == "SIGTERM"
    assert run.summaries[0].completed == run.summaries[0].sent < run.summaries[0].planned
    assert signal.getsignal(signal.SIGTERM) is before


def test_files_of_a_plan_are_found_from_anywhere(tmp_path):
    """The copy of the plan in the run's directory names them by absolute path."""
    (tmp_path / "u.csv").write_text("id\n1\n")
    feeds = {"u": {"file": "u.csv"}}
    loaded = loaded_of(plan_of(feeds=feeds), {"u.csv": b"id\n1\n"})
    prepare(loaded, tmp_path / "run", tmp_path)
    assert str(tmp_path / "u.csv") in (tmp_path / "run" / "plan.json").read_text()


def test_a_worker_that_cannot_start_says_why(tmp_path):
    """Its plan is gone: the error carries its last words and names its log, and nothing is left running."""
    loaded = loaded_of(plan_of())
    with pytest.raises(DriveError, match=r"plan\.json"), Drive(loaded, tmp_path):
        pass
