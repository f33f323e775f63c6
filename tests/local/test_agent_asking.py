"""Probes of one pod while it runs: asked when due, answers of an earlier run ignored."""

import asyncio

from local.agent_asking import Asking
from local.agent_machine import new_state, with_sandbox, with_start
from local.agent_parts import Exec, Probe
from local.agent_slot import Start
from tests.local.agents import container, pod
from tests.local.hands import SANDBOX, Clock, FakeHands, until

YES = Probe(exec=Exec(command=("true",)), period_seconds=1)
NO = Probe(exec=Exec(command=("false",)), period_seconds=1, failure_threshold=2)


def running(one, attempt=1):
    state = with_sandbox(new_state(one, now_s=1.0), up=True)
    return with_start(state, Start(name="web", attempt=attempt), now_s=1.0)


def asking(tmp_path):
    hands, clock, woken = FakeHands(tmp_path, "u"), Clock(), asyncio.Event()
    hands.sandbox = SANDBOX
    return Asking(hands, clock=clock, wake=woken.set), clock, woken


async def test_a_probe_makes_ready_and_wakes_the_worker(tmp_path) -> None:
    """Not before its answer."""
    ask, _, woken = asking(tmp_path)
    one = pod(container(readiness_probe=YES))
    state = running(one)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        assert not ask.verdicts(one, state)["web"].ready
        ask.ask_due(one, state, tasks=tasks)
        await woken.wait()
        assert ask.verdicts(one, state)["web"].ready


async def test_a_failing_liveness_probe_names_itself_and_its_grace(tmp_path) -> None:
    """After as many answers as its threshold says; its own grace goes with it."""
    ask, clock, woken = asking(tmp_path)
    probe = Probe(
        exec=Exec(command=("false",)), period_seconds=1, failure_threshold=2,
        termination_grace_period_seconds=3,
    )  # fmt: skip
    one = pod(container(liveness_probe=probe))
    state = running(one)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        while not woken.is_set():
            verdict = ask.verdicts(one, state)["web"]
            assert not verdict.sick
            ask.ask_due(one, state, tasks=tasks)
            await asyncio.sleep(0.02)
            clock.now_s += 1
        verdict = ask.verdicts(one, state)["web"]
    assert "failed liveness probe" in verdict.sick
    assert verdict.grace_s == 3.0


async def test_an_answer_about_an_earlier_run_is_not_counted(tmp_path) -> None:
    """The container was restarted while its probe was out."""
    ask, _, woken = asking(tmp_path)
    slow = Probe(exec=Exec(command=("sleep", "0.2")))
    one = pod(container(readiness_probe=slow))
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        ask.verdicts(one, running(one))
        ask.ask_due(one, running(one), tasks=tasks)
        again = running(one, attempt=2)
        assert not ask.verdicts(one, again)["web"].ready
        await until(lambda: not ask._open)
        assert not ask.verdicts(one, again)["web"].ready
    assert not woken.is_set()


async def test_nothing_is_asked_twice_at_once_or_of_what_does_not_run(tmp_path) -> None:
    """A slow probe is not piled up."""
    ask, clock, _ = asking(tmp_path)
    slow = Probe(exec=Exec(command=("sleep", "60")), period_seconds=1, timeout_seconds=60)
    one = pod(container(readiness_probe=slow))
    state = running(one)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        ask.ask_due(one, new_state(one, now_s=1.0), tasks=tasks)
        assert len(ask._open) == 0
        ask.verdicts(one, state)
        for _ in range(3):
            ask.ask_due(one, state, tasks=tasks)
            clock.now_s += 5
        assert len(ask._open) == 1
        ask.stop()
