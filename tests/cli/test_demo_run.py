"""The whole thing, at 15 s on one running cloud: GO as it is, NO-GO without any one mechanism."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from rich.console import Console

from cli.controls import turned_red
from cli.demo_carry import Outcome
from cli.demo_options import DURATION_S_MIN, DemoOptions, Without
from cli.demo_run import DemoError, run_demo, tell_of_the_dead
from contracts.cloud import CloudState, ProcessRecord
from contracts.reasons import TIMED, UNTIMED
from contracts.report import Report
from loadtest.verdict import judge
from runtime.processes import start_ticks
from tests.loadtest.test_verdict import GOOD, LIMITS, SPOILED

pytestmark = pytest.mark.cloud
RATE = 500.0
REPEATS_MAX = 1
"""Over all runs of this file: one busy moment is bad luck, two are a machine or a demo that cannot measure."""
DISTURBED = TIMED | UNTIMED | {"fault_not_proven"}
"""What a busy machine does to a run that is INVALID."""
Run = Callable[..., tuple[Outcome, str]]


class Repeats:
    """Allows a repeat of a run that only says how busy this machine was; each is told and counted."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.left = REPEATS_MAX
        self.tell = tell

    def allow(self, report: Report) -> bool:
        reasons = {reason.id for reason in report.reasons} - {"mechanism_disabled"}
        if not reasons or not reasons <= DISTURBED or reasons <= TIMED:
            return False
        measured = ", ".join(
            f"{r.id} {r.measured:g} > {r.limit:g}" for r in report.reasons if r.id in reasons
        )
        self.tell(f"{report.verdict} ({measured}): {'repeated' if self.left else 'NOT repeated'}")
        self.left -= 1
        return self.left >= 0


@pytest.fixture(scope="module")
def repeats() -> Repeats:
    """One count for the file; each test says where it tells."""
    return Repeats(print)


@pytest.fixture
def run(
    repeats: Repeats,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> Run:
    """A run, repeated as far as `Repeats` allows, on the terminal and in the test's record."""

    def tell(text: str) -> None:
        record_property("repeat", text)
        with capsys.disabled():
            print(f"\n{request.node.name}: {text}")  # noqa: T201 -- it must be seen without -s

    def run(root: Path, without: Without | None = None) -> tuple[Outcome, str]:
        repeats.tell = tell
        outcome, told = run_once(root, without)
        while repeats.allow(outcome.report):
            outcome, told = run_once(root, without)
        return outcome, told

    return run


def run_once(root: Path, without: Without | None) -> tuple[Outcome, str]:
    told = io.StringIO()
    options = DemoOptions(
        root=root, seed=4711, rate=RATE, duration_s=DURATION_S_MIN, without=without
    )
    return run_demo(options, Console(file=told, width=200)), told.getvalue()


def test_a_demo_with_everything_on_is_go(cloud_root: Path, run: Run) -> None:
    """Four kinds of fault under load: nothing leaks, nothing is lost, the report says GO and why to believe it.

    Milliseconds are judged by `make demo`: on a machine that starves the routers this one may be INVALID for them.
    """
    outcome, told = run(cloud_root)
    report = outcome.report
    reasons = {reason.id for reason in report.reasons}
    assert reasons <= TIMED | UNTIMED, told
    assert report.verdict == ("INVALID" if reasons else "GO")
    assert [fault.kind for fault in report.faults] == [
        "response_drop", "node_kill", "link_cut", "bridge_kill", "bridge_kill",
    ]  # fmt: skip
    assert report.failover.killed == 3
    assert report.leaks.canaries_planted > 100
    assert report.leaks.beacons_sent > 1000
    written = msgspec.json.decode((outcome.page.parent / "report.json").read_bytes(), type=Report)
    assert written == report
    assert "killed 3 ad nodes" in told


@pytest.mark.parametrize("without", get_args(Without))
def test_without_one_mechanism_the_run_is_no_go_for_its_own_reason(
    cloud_root: Path, run: Run, without: Without
) -> None:
    """The negative control: if this stays green, the demo would not notice the mechanism missing."""
    outcome, told = run(cloud_root, without)
    assert turned_red(outcome.report, without), f"{outcome.report.reasons}\n{told}"


def test_a_cloud_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    """A demo in a directory whose state cannot be written says so and starts nothing."""
    (tmp_path / ".isthmus").write_text("not a directory")
    with pytest.raises(DemoError, match="isthmus"):
        run_once(tmp_path, None)


def test_a_repeat_is_told_and_there_is_one_in_all() -> None:
    """The second busy run of a session stays what it is; a violation or a good run is never repeated."""
    told: list[str] = []
    repeats = Repeats(told.append)
    busy = judge(SPOILED["generator_late"], LIMITS)
    assert not repeats.allow(judge(GOOD, LIMITS))
    assert not repeats.allow(judge(SPOILED["leak_public"], LIMITS))
    assert told == []
    assert [repeats.allow(busy), repeats.allow(busy)] == [True, False]
    assert ["NOT" in text for text in told] == [False, True]
    assert all(text.startswith("INVALID (generator_late ") for text in told)


def test_a_process_that_died_unasked_is_named_with_its_log() -> None:
    """A broker, say; ad nodes and the bridge are killed on purpose and are no news."""
    gone = ProcessRecord(
        name="kafka-public", role="kafka", site="public", pid=2**22 + 1, start_ticks=1, argv=(),
        environ={}, cwd="/", log="/logs/kafka-public.log", ready="",
    )  # fmt: skip
    killed = msgspec.structs.replace(gone, name="ad-1", role="ads")
    alive = msgspec.structs.replace(
        gone, name="router-core", role="router", pid=os.getpid(), start_ticks=start_ticks(os.getpid()) or 0
    )  # fmt: skip
    state = CloudState(
        id="x", root="/", temporary="", owner_pid=1, owner_start_ticks=1, keep=False, policy="",
        topology="", endpoints={}, processes=(gone, killed, alive),
    )  # fmt: skip
    told = tell_of_the_dead(state)
    assert "kafka-public died during the run; its log: /logs/kafka-public.log" in told
    assert "fix:" in told
    assert "ad-1" not in told
    assert "router-core" not in told
    assert tell_of_the_dead(msgspec.structs.replace(state, processes=(killed, alive))) == ""
