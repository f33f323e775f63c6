"""One container's life: every (stage, what is seen, what is wanted), and properties over histories."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.agent_slot import (
    KILLED,
    Absent,
    Circumstances,
    Ended,
    Exited,
    Kill,
    Running,
    Slot,
    Start,
    Terminate,
    back_off,
    not_started,
    restarts,
    started,
    step,
)

NOW = 1_000.0
RUNNING = Running(started_s=900.0)
OK = Exited(code=0, started_s=900.0, finished_s=990.0)
BAD = Exited(code=3, started_s=900.0, finished_s=990.0)
FRESH = Slot(name="web")
UP = started(FRESH, attempt=1, now_s=900.0)
GOING = msgspec.structs.replace(UP, stage="ending", due_s=1_005.0)
OVERDUE = msgspec.structs.replace(UP, stage="ending", due_s=999.0)
OVER = msgspec.structs.replace(
    UP, stage="ended", end=Ended(code=0, reason="Completed", started_s=1, finished_s=2, attempt=1)
)


def around(want="run", restart="Always", **more) -> Circumstances:
    return Circumstances(
        want=want, restart=restart, now_s=NOW, grace_s=30.0, stop_at_s=NOW + 10, **more
    )


TABLE = [
    # slot, seen, wanted → stage, action
    (FRESH, Absent(), "run", "waiting", Start(name="web", attempt=1)),
    (FRESH, Absent(), "hold", "waiting", None),
    (FRESH, Absent(), "stop", "waiting", None),
    (FRESH, RUNNING, "run", "running", None),
    (FRESH, RUNNING, "hold", "running", None),
    (FRESH, RUNNING, "stop", "running", None),
    (FRESH, BAD, "run", "waiting", Start(name="web", attempt=1)),
    (FRESH, BAD, "hold", "waiting", None),
    (FRESH, BAD, "stop", "waiting", None),
    (UP, Absent(), "run", "waiting", None),
    (UP, Absent(), "hold", "waiting", None),
    (UP, Absent(), "stop", "ended", None),
    (UP, RUNNING, "run", "running", None),
    (UP, RUNNING, "hold", "running", None),
    (UP, RUNNING, "stop", "ending", Terminate(name="web")),
    (UP, BAD, "run", "waiting", None),
    (UP, BAD, "hold", "waiting", None),
    (UP, BAD, "stop", "ended", None),
    (GOING, Absent(), "run", "waiting", None),
    (GOING, Absent(), "hold", "waiting", None),
    (GOING, Absent(), "stop", "ended", None),
    (GOING, RUNNING, "run", "ending", None),
    (GOING, RUNNING, "hold", "ending", None),
    (GOING, RUNNING, "stop", "ending", None),
    (GOING, OK, "run", "waiting", None),
    (GOING, OK, "hold", "waiting", None),
    (GOING, OK, "stop", "ended", None),
    (OVERDUE, RUNNING, "run", "ending", Kill(name="web")),
    (OVERDUE, RUNNING, "hold", "ending", Kill(name="web")),
    (OVERDUE, RUNNING, "stop", "ending", Kill(name="web")),
    (OVER, Absent(), "run", "ended", None),
    (OVER, Absent(), "hold", "ended", None),
    (OVER, Absent(), "stop", "ended", None),
    (OVER, OK, "run", "ended", None),
    (OVER, OK, "hold", "ended", None),
    (OVER, OK, "stop", "ended", None),
    (OVER, RUNNING, "run", "ended", Kill(name="web")),
    (OVER, RUNNING, "hold", "ended", Kill(name="web")),
    (OVER, RUNNING, "stop", "ended", Kill(name="web")),
]


@pytest.mark.parametrize(("slot", "seen", "want", "stage", "action"), TABLE)
def test_the_table(slot, seen, want, stage, action) -> None:
    """Each stage, each sight, each wish."""
    after, got = step(slot, seen, around(want))
    assert (after.stage, got) == (stage, action)


def test_the_table_is_complete() -> None:
    """No combination of stage, sight and wish is left to chance."""
    covered = {(slot.stage, type(seen), want) for slot, seen, want, _, _ in TABLE}
    everything = itertools.product(
        ("waiting", "running", "ending", "ended"),
        (Absent, Running, Exited),
        ("run", "hold", "stop"),
    )
    assert covered == set(everything)


def test_an_exit_nobody_recorded_is_137() -> None:
    """A killed group leaves no code; the kubelet says 137 too."""
    after, _ = step(UP, Absent(), around("stop"))
    assert after.end is not None
    assert (after.end.code, after.end.reason) == (KILLED, "Error")


@pytest.mark.parametrize(
    ("code", "memory", "reason"),
    [(0, False, "Completed"), (1, True, "Error"), (137, True, "OOMKilled")],
)
def test_the_reason_of_an_exit(code, memory, reason) -> None:
    """Out of memory is only said of what the kernel killed."""
    exited = Exited(code=code, started_s=1, finished_s=2, out_of_memory=memory)
    after, _ = step(UP, exited, around("stop"))
    assert after.end is not None
    assert after.end.reason == reason


def test_a_sick_container_is_ended_with_its_grace_and_restarted() -> None:
    """A failed liveness probe: SIGTERM, SIGKILL after the grace, then a restart."""
    after, action = step(UP, RUNNING, around(sick="failed liveness"))
    assert (after.stage, after.due_s, after.ready) == ("ending", NOW + 30, False)
    assert action == Terminate(name="web")
    again, _ = step(after, Absent(), around())
    assert (again.stage, again.crashes) == ("waiting", 1)


def test_a_later_shorter_grace_brings_the_kill_forward() -> None:
    """`kubectl delete --now` after a delete with a long grace."""
    late = msgspec.structs.replace(GOING, due_s=NOW + 500)
    after, _ = step(late, RUNNING, around("stop"))
    assert after.due_s == NOW + 10


@pytest.mark.parametrize(
    ("policy", "code", "init", "again"),
    [
        ("Always", 0, False, True), ("Always", 1, False, True), ("OnFailure", 0, False, False),
        ("OnFailure", 1, False, True), ("Never", 0, False, False), ("Never", 1, False, False),
        ("Always", 0, True, False), ("OnFailure", 1, True, True), ("Never", 1, True, False),
    ],
)  # fmt: skip
def test_restart_policy(policy, code, init, again) -> None:
    """An init container that succeeded is done whatever the policy."""
    assert restarts(Slot(name="x", init=init), code, policy) is again


def test_back_off_is_none_then_doubles_to_its_maximum() -> None:
    """The kubelet's 10, 20, 40 … 300 s; the first restart is at once."""
    assert [back_off(n, first_s=10) for n in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]
    assert back_off(10_000, first_s=10) == 300


def test_a_container_that_ran_long_starts_its_back_off_anew() -> None:
    """Ten minutes of health forgive earlier crashes."""
    crashed = msgspec.structs.replace(UP, crashes=5)
    long = Exited(code=1, started_s=1.0, finished_s=700.0)
    after, _ = step(crashed, long, around())
    assert (after.crashes, after.due_s) == (1, 700.0)
    short, _ = step(crashed, BAD, around())
    assert (short.crashes, short.due_s) == (6, 990.0 + 160)


def test_waiting_out_the_back_off() -> None:
    """Not a moment before it is due; the exit that is still recorded is not counted twice."""
    after, _ = step(msgspec.structs.replace(UP, crashes=1), BAD, around())
    assert after.reason == "CrashLoopBackOff"
    early = msgspec.structs.replace(around(), now_s=after.due_s - 0.001)
    assert step(after, BAD, early) == (after, None)
    due = msgspec.structs.replace(around(), now_s=after.due_s)
    assert step(after, BAD, due)[1] == Start(name="web", attempt=2)


def test_a_failed_start_says_why_and_waits() -> None:
    """The reason is the kubelet's word."""
    slot = not_started(FRESH, reason="ErrImageNeverPull", message="m", retry_at_s=NOW + 2)
    assert step(slot, Absent(), around()) == (slot, None)
    assert slot.attempt == 0


SIGHTS = st.one_of(
    st.just(Absent()),
    st.just(RUNNING),
    st.integers(0, 255).map(lambda code: Exited(code=code, started_s=900, finished_s=990)),
)


@given(
    events=st.lists(
        st.tuples(SIGHTS, st.sampled_from(["run", "hold", "stop"]), st.booleans()), max_size=30
    ),
    restart=st.sampled_from(["Always", "OnFailure", "Never"]),
)
def test_any_history_keeps_the_invariants(events, restart) -> None:
    """Never two starts without an end between, never a start unasked, never ready unless running; stop sticks."""
    slot, now_s = FRESH, 0.0
    for seen, want, sick in events:
        now_s += 400.0  # past every back-off
        facts = Circumstances(
            want=want, restart=restart, now_s=now_s, grace_s=1, stop_at_s=now_s,
            sick="sick" if sick else "",
        )  # fmt: skip
        before = slot
        slot, action = step(slot, seen, facts)
        assert not slot.ready or slot.stage == "running"
        assert slot.attempt >= before.attempt
        if isinstance(action, Start):
            assert want == "run"
            assert not isinstance(seen, Running)
            assert action.attempt == slot.attempt + 1
            slot = started(slot, attempt=action.attempt, now_s=now_s)
        if want == "stop" and before.stage in {"running", "ending"} and isinstance(seen, Running):
            assert slot.stage == "ending"
