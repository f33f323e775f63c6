"""Twin of chaos/stop_and_look.py; the broker is a script here, the process is real."""

import random
from collections.abc import Callable

import pytest

from chaos.clock import SystemClock
from chaos.decide import Ends, Offsets
from chaos.stop_and_look import Attempt
from contracts.cloud import ProcessRecord
from runtime.processes import is_running
from tests.chaos.stage import Stage, eventually, state_of

CLOSED = Ends(5, 5)
OPEN = Ends(5, 8)


class Script:
    """Answers with the given ends in turn, the last one for ever; notes whether the process was stopped."""

    def __init__(
        self, process: ProcessRecord, *ends: Ends, progress: tuple[int, ...] = (1,)
    ) -> None:
        self._process = process
        self._ends = list(ends)
        self._progress = list(progress)
        self.states: list[str] = []

    def read(self) -> Offsets:
        self.states.append(state_of(self._process))
        ends = self._ends.pop(0) if len(self._ends) > 1 else self._ends[0]
        done = self._progress.pop(0) if len(self._progress) > 1 else self._progress[0]
        return {("public.clicks", 0): ends, ("west.clicks.progress", 0): Ends(done, done)}


@pytest.fixture
def bridge(set_stage: Stage) -> ProcessRecord:
    node = set_stage.node("bridge", role="bridge")
    set_stage.save()
    return node


def attempt(bridge: ProcessRecord, script: Script) -> Attempt:
    return Attempt(bridge, script, clock=SystemClock(), rng=random.Random(1))


def test_it_is_killed_while_stopped_with_the_transaction_open(bridge: ProcessRecord) -> None:
    """Seen open, stopped, seen open twice, killed, seen open with nobody left: proven."""
    script = Script(bridge, CLOSED, CLOSED, OPEN)
    kill = attempt(bridge, script).in_transaction(deadline_s=5)
    assert kill.killed
    assert kill.proven
    assert "public.clicks[0] 5 < 8" in kill.proof
    assert not is_running(bridge.pid, bridge.start_ticks)
    assert script.states[3:5] == ["T", "T"]


@pytest.mark.parametrize(
    "ends",
    [
        (CLOSED,),  # never open
        (OPEN,),  # open before we came, and it never moves: a dead writer's
        (CLOSED, OPEN, Ends(9, 9)),  # over when stopped
        (CLOSED, OPEN, OPEN, Ends(9, 9)),  # its commit was on the way
        (CLOSED, OPEN, OPEN, Ends(5, 9), Ends(9, 9)),  # still moving
    ],
)
def test_it_is_let_go_when_the_moment_is_not_right(
    bridge: ProcessRecord, ends: tuple[Ends, ...]
) -> None:
    """No proof, no kill: the process runs on, not stopped, and the outcome says so."""
    kill = attempt(bridge, Script(bridge, *ends)).in_transaction(deadline_s=0.2)
    assert not kill.killed
    assert "did not come in 0.2 s" in kill.proof
    assert is_running(bridge.pid, bridge.start_ticks)
    eventually(lambda: state_of(bridge) == "S")


def test_a_transaction_that_ends_after_the_kill_is_not_proven(bridge: ProcessRecord) -> None:
    """Killed, but what was seen is not there any more: the record must not claim it."""
    script = Script(bridge, CLOSED, OPEN, OPEN, OPEN, Ends(9, 9))
    kill = attempt(bridge, script).in_transaction(deadline_s=5)
    assert kill.killed
    assert not kill.proven


def test_without_transactions_it_is_killed_between_record_and_progress(
    bridge: ProcessRecord,
) -> None:
    """Progress moved, then records without it: that is the moment."""
    script = Script(bridge, Ends(5, 5), Ends(6, 6), Ends(6, 6), Ends(8, 8), progress=(1, 2))
    kill = attempt(bridge, script).between_record_and_progress(deadline_s=5)
    assert kill.killed
    assert kill.proven
    assert "2 records written since progress last was" in kill.proof


def test_a_bridge_that_is_gone_is_said_so(bridge: ProcessRecord, set_stage: Stage) -> None:
    """Nothing to kill is not a kill."""
    set_stage.end()
    kill = attempt(bridge, Script(bridge, CLOSED)).in_transaction(deadline_s=5)
    assert not kill.killed
    assert "gone before" in kill.proof


@pytest.mark.parametrize("fails_at", [2, 3, 4])
def test_a_broker_that_fails_leaves_no_stopped_process(
    bridge: ProcessRecord, fails_at: int
) -> None:
    """Whatever is raised between stop and decision, the process is let go."""

    class Failing(Script):
        def read(self) -> Offsets:
            offsets = super().read()
            if len(self.states) == fails_at:
                raise OSError("broker gone")
            return offsets

    broken: Callable[[], object] = lambda: attempt(  # noqa: E731
        bridge, Failing(bridge, CLOSED, OPEN)
    ).in_transaction(deadline_s=5)
    with pytest.raises(OSError, match="broker gone"):
        broken()
    eventually(lambda: state_of(bridge) == "S")
