"""The loop of one pod, over hands in memory."""

import msgspec

from local.agent_api import ApiError
from local.agent_container import StartError
from local.agent_files import PodFiles
from local.agent_objects import ObservedStatus, Pod
from local.agent_parts import Exec, Hook, Lifecycle, Sleep
from local.agent_resolve import ConfigError
from local.agent_sandbox import NetworkError
from local.agent_slot import Running
from tests.local.agents import container, pod
from tests.local.hands import FakeHands, until, working

GOING = {"deletion_timestamp": "2026-01-01T00:00:00Z", "deletion_grace_period_seconds": 5}


def phase(reporter) -> str:
    return reporter.statuses[-1].phase if reporter.statuses else ""


def told(conditions) -> Pod:
    """The pod as the API server tells of it."""
    status = ObservedStatus(phase="Running", conditions=conditions)
    return msgspec.structs.replace(pod(), status=status)


async def test_a_pod_is_set_up_started_and_reported(tmp_path) -> None:
    """In this order, and recorded on the way."""
    async with working(tmp_path, pod()) as (worker, hands, reporter, _, _task):
        await until(lambda: phase(reporter) == "Running" and reporter.statuses[-1].pod_ip)
        assert hands.done == ["set_up", "start web 1"]
        await until(lambda: reporter.statuses[-1].container_statuses[0].ready)
        record = PodFiles(tmp_path, worker.pod.metadata.uid).read()
        assert record is not None
        assert record.state == worker.state
        assert record.sandbox == hands.sandbox


async def test_a_deleted_pod_is_ended_torn_down_and_finished(tmp_path) -> None:
    """The worker then ends, and its directory is gone."""
    one = pod()
    async with working(tmp_path, one) as (worker, hands, reporter, _, task):
        await until(lambda: phase(reporter) == "Running")
        worker.update(pod(meta=GOING))
        await task
        assert hands.done[2:4] == ["terminate web", "tear_down"]
        assert reporter.finished == 1
        assert reporter.statuses[-1].container_statuses[0].state.terminated is not None
        assert not PodFiles(tmp_path, one.metadata.uid).directory.exists()


async def test_a_pod_that_does_not_end_is_killed_after_its_grace(tmp_path) -> None:
    """Not before."""
    async with working(tmp_path, pod()) as (worker, hands, reporter, clock, task):
        hands.obeys = False
        await until(lambda: phase(reporter) == "Running")
        worker.update(pod(meta=GOING))
        await until(lambda: "terminate web" in hands.done)
        clock.now_s += 4.9
        worker.wake.set()
        await until(lambda: not worker.wake.is_set())
        assert "kill web" not in hands.done
        clock.now_s += 0.2
        await task
        assert hands.done[3:5] == ["kill web", "tear_down"]


async def test_a_vanished_pod_is_ended_without_the_api(tmp_path) -> None:
    """Nothing is reported and nothing finished: there is no object any more."""
    async with working(tmp_path, pod()) as (worker, hands, reporter, _, task):
        hands.obeys = False
        await until(lambda: phase(reporter) == "Running")
        sent = len(reporter.statuses)
        worker.vanish()
        await task
        assert (reporter.finished, len(reporter.statuses)) == (0, sent)
        assert hands.done[-1] == "tear_down"


async def test_pre_stop_runs_before_sigterm(tmp_path) -> None:
    """A command, or a wait; the grace bounds both."""
    hook = Lifecycle(pre_stop=Hook(exec=Exec(command=("drain",))))
    wait = Lifecycle(pre_stop=Hook(sleep=Sleep(seconds=0)))
    both = (container("a", lifecycle=hook), container("b", lifecycle=wait))
    async with working(tmp_path, pod(*both)) as (worker, hands, reporter, _, task):
        await until(lambda: phase(reporter) == "Running")
        worker.update(pod(*both, meta=GOING))
        await task
        assert hands.done.index("hook drain") < hands.done.index("terminate a")
        assert "terminate b" in hands.done


async def test_what_cannot_be_made_says_why_and_is_tried_again(tmp_path) -> None:
    """Sandbox and container, after two seconds each."""
    hands = FakeHands(tmp_path, pod().metadata.uid)
    hands.failures = {"set_up": NetworkError("no nft"), "start": ConfigError("no map")}
    async with working(tmp_path, pod(), hands=hands) as (worker, _, reporter, clock, _task):

        def waiting():
            state = reporter.statuses[-1].container_statuses[0].state if reporter.statuses else None
            return state.waiting if state else None

        await until(lambda: waiting() and waiting().message == "no nft")
        assert waiting().reason == "ContainerCreating"
        clock.now_s += 2
        await until(lambda: waiting() and waiting().message == "no map")
        assert waiting().reason == "CreateContainerConfigError"
        hands.failures = {"start": StartError("no such directory")}
        clock.now_s += 2
        await until(lambda: waiting() and waiting().reason == "RunContainerError")
        clock.now_s += 2
        await until(lambda: phase(reporter) == "Running")
        assert hands.done.count("start web 1") == 3
        assert worker.state.slots[0].attempt == 1


async def test_a_crash_is_restarted_at_once_and_then_backed_off(tmp_path) -> None:
    """CrashLoopBackOff is shown while it waits."""
    async with working(tmp_path, pod()) as (_worker, hands, reporter, clock, _task):
        await until(lambda: phase(reporter) == "Running")
        hands.exit("web", 1)
        await until(lambda: "start web 2" in hands.done)
        clock.now_s = 5.0  # the fake's exits are at 2
        hands.exit("web", 1)

        def waiting():
            state = reporter.statuses[-1].container_statuses[0].state
            return state.waiting.reason if state.waiting else ""

        await until(lambda: waiting() == "CrashLoopBackOff")
        assert "start web 3" not in hands.done
        clock.now_s = 12.0
        await until(lambda: "start web 3" in hands.done)
        await until(lambda: reporter.statuses[-1].container_statuses[0].restart_count == 2)


async def test_an_api_that_refuses_a_status_gets_it_later(tmp_path) -> None:
    """A status is not lost, and the pod runs meanwhile."""
    async with working(tmp_path, pod()) as (_worker, _hands, reporter, clock, _task):
        await until(lambda: phase(reporter) == "Running")
        reporter.failures = [ApiError(500, "no")]
        _hands.exit("web", 1)
        await until(lambda: not reporter.failures)
        clock.now_s += 1
        await until(lambda: reporter.statuses[-1].container_statuses[0].restart_count == 1)


async def test_a_deletion_that_the_api_does_not_finish_is_tried_again(tmp_path) -> None:
    """The record stays until then."""
    async with working(tmp_path, pod()) as (worker, _hands, reporter, _, task):
        await until(lambda: phase(reporter) == "Running")
        reporter.failures = [ApiError(0, "away"), ApiError(0, "away"), ApiError(0, "away")]
        worker.update(pod(meta=GOING))
        await until(lambda: not reporter.failures)
        await task
        assert reporter.finished == 1


async def test_an_agent_that_comes_back_starts_nothing_twice(tmp_path) -> None:
    """What runs is taken over, ready as before; a machine started anew begins anew."""
    async with working(tmp_path, pod()) as (worker, _hands, reporter, _, _task):
        await until(lambda: worker.state.slots[0].ready)
        await until(lambda: phase(reporter) == "Running")
    record = PodFiles(tmp_path, worker.pod.metadata.uid).read()
    again = FakeHands(tmp_path, worker.pod.metadata.uid)
    again.seen["web"] = Running(started_s=1.0)
    async with working(tmp_path, pod(), record=record, hands=again) as (_, _, reporter, _, _task):
        await until(lambda: phase(reporter) == "Running")
        assert again.done == ["write_volumes"]
        assert reporter.statuses[0].container_statuses[0].ready
    anew = FakeHands(tmp_path, worker.pod.metadata.uid)
    anew.there = False
    async with working(tmp_path, pod(), record=record, hands=anew) as (_, _, reporter, _, _task):
        await until(lambda: "start web 2" in anew.done)
        assert anew.done[0] == "set_up"


async def test_an_end_the_api_knows_is_never_taken_back(tmp_path) -> None:
    """A pod that was Failed for the API is not called Pending on its way out."""
    failed = msgspec.structs.replace(pod(meta=GOING), status=ObservedStatus(phase="Failed"))
    async with working(tmp_path, failed) as (_worker, _hands, reporter, _, task):
        await task
        assert reporter.statuses == []
        assert reporter.finished == 1


async def test_what_others_said_of_a_lost_node_is_put_right(tmp_path) -> None:
    """A node that was taken for lost and was not: its pods are ready again as soon as the API says they are not."""
    async with working(tmp_path, pod()) as (worker, _hands, reporter, _clock, _task):
        await until(lambda: reporter.statuses and reporter.statuses[-1].container_statuses[0].ready)
        sent = reporter.statuses[-1]
        lost = tuple(
            msgspec.structs.replace(it, status="False") if it.type == "Ready" else it
            for it in sent.conditions
        )
        count = len(reporter.statuses)
        worker.update(told(sent.conditions))
        await until(lambda: not worker.wake.is_set())
        assert len(reporter.statuses) == count
        worker.update(told(lost))
        await until(lambda: len(reporter.statuses) > count)
        assert reporter.statuses[-1] == sent


async def test_volumes_are_refreshed_every_minute(tmp_path) -> None:
    """A ConfigMap that is gone by then does not stop the pod."""
    async with working(tmp_path, pod()) as (_worker, hands, reporter, clock, _task):
        await until(lambda: phase(reporter) == "Running")
        hands.failures = {"write_volumes": ConfigError("gone")}
        clock.now_s += 60
        await until(lambda: hands.done.count("write_volumes") == 1)
        clock.now_s += 60
        await until(lambda: hands.done.count("write_volumes") == 2)
        assert phase(reporter) == "Running"
