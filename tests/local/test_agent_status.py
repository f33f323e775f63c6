"""The status a kubelet would report."""

import msgspec

from local.agent_machine import PodState, new_state, with_failed_start, with_sandbox, with_start
from local.agent_objects import Condition, ObservedStatus
from local.agent_slot import Ended, Start
from local.agent_status import Told, status_of, timestamp
from tests.local.agents import container, pod

TOLD = Told(pod_ip="10.97.1.2", host_ip="10.97.1.254", now_s=1000.0)


def conditions(status) -> dict[str, str]:
    return {it.type: it.status for it in status.conditions}


def up(thing) -> PodState:
    state = with_sandbox(new_state(thing, now_s=900.0), up=True)
    return with_start(state, Start(name="web", attempt=1), now_s=950.0)


def with_slot(state: PodState, **changes) -> PodState:
    slot = msgspec.structs.replace(state.slots[0], **changes)
    return msgspec.structs.replace(state, slots=(slot, *state.slots[1:]))


def test_a_ready_pod() -> None:
    """Addresses, conditions and the container's state, by the API's own names."""
    one = pod()
    state = with_slot(up(one), ready=True, started=True)
    sent = msgspec.json.decode(msgspec.json.encode(status_of(one, state, TOLD)))
    assert sent["phase"] == "Running"
    assert (sent["podIP"], sent["podIPs"]) == ("10.97.1.2", [{"ip": "10.97.1.2"}])
    assert (sent["hostIP"], sent["hostIPs"]) == ("10.97.1.254", [{"ip": "10.97.1.254"}])
    only = sent["containerStatuses"][0]
    assert only["ready"]
    assert only["restartCount"] == 0
    assert only["state"] == {"running": {"startedAt": timestamp(950.0)}}
    assert only["containerID"].startswith("isthmus://")
    assert {it["type"]: it["status"] for it in sent["conditions"]} == {
        "PodReadyToStartContainers": "True", "Initialized": "True", "Ready": "True",
        "ContainersReady": "True",
    }  # fmt: skip


def test_an_unready_pod_names_the_containers() -> None:
    """`kubectl describe` says which one."""
    one = pod(container("web"), container("side"))
    status = status_of(one, up(one), TOLD)
    ready = next(it for it in status.conditions if it.type == "Ready")
    assert ready.status == "False"
    assert ready.message == "containers with unready status: [web side]"


def test_before_the_sandbox_there_is_no_address() -> None:
    """The merge patch then removes what a former life left."""
    one = pod()
    status = status_of(one, new_state(one, now_s=1.0), msgspec.structs.replace(TOLD, pod_ip=""))
    assert status.phase == "Pending"
    sent = msgspec.json.decode(msgspec.json.encode(status))
    assert sent["podIP"] is None
    assert sent["containerStatuses"][0]["state"]["waiting"]["reason"] == "ContainerCreating"


def test_a_container_that_cannot_start_says_why() -> None:
    """As `kubectl get pods` shows it."""
    one = pod()
    state = with_sandbox(new_state(one, now_s=1.0), up=True)
    start = Start(name="web", attempt=1)
    state = with_failed_start(state, start, reason="ErrImageNeverPull", message="m", now_s=2.0)
    waiting = status_of(one, state, TOLD).container_statuses[0].state.waiting
    assert waiting is not None
    assert (waiting.reason, waiting.message) == ("ErrImageNeverPull", "m")


def test_a_restart_is_counted_and_the_last_end_kept() -> None:
    """RestartCount is starts but one; lastState has code, reason, times."""
    one = pod()
    last = Ended(code=3, reason="Error", started_s=950, finished_s=960, attempt=1)
    state = with_slot(up(one), attempt=2, last=last)
    only = status_of(one, state, TOLD).container_statuses[0]
    assert only.restart_count == 1
    assert only.last_state.terminated is not None
    assert only.last_state.terminated.exit_code == 3
    assert only.last_state.terminated.finished_at == timestamp(960)


def test_conditions_of_others_are_kept_and_ours_keep_their_time() -> None:
    """A merge patch replaces the list: what the scheduler wrote must be in it."""
    others = Condition(type="PodScheduled", status="True", last_transition_time="t0")
    mine = Condition(type="Initialized", status="True", last_transition_time="t1")
    one = msgspec.structs.replace(pod(), status=ObservedStatus(conditions=(others, mine)))
    found = {it.type: it for it in status_of(one, up(one), TOLD).conditions}
    assert found["PodScheduled"] == others
    assert found["Initialized"].last_transition_time == "t1"
    assert found["Ready"].last_transition_time == timestamp(1000.0)


def test_an_unchanged_state_gives_the_same_status_later() -> None:
    """Otherwise every look would write to the API."""
    one = pod()
    first = status_of(one, up(one), TOLD)
    later = msgspec.structs.replace(TOLD, now_s=2000.0, before=first.conditions)
    assert status_of(one, up(one), later) == first


def test_a_pod_that_is_going_is_not_ready() -> None:
    """Traffic is taken away before the process ends."""
    one = pod()
    state = msgspec.structs.replace(with_slot(up(one), ready=True), stop_at_s=5.0)
    assert conditions(status_of(one, state, TOLD))["Ready"] == "False"


def test_a_finished_pod_is_completed() -> None:
    """Ready false with reason PodCompleted, the container terminated."""
    one = pod(restart_policy="Never")
    end = Ended(code=0, reason="Completed", started_s=950, finished_s=960, attempt=1)
    state = with_slot(up(one), stage="ended", end=end)
    status = status_of(one, state, TOLD)
    assert status.phase == "Succeeded"
    assert {it.reason for it in status.conditions if it.type == "Ready"} == {"PodCompleted"}
    assert status.container_statuses[0].state.terminated is not None


def test_the_deadline_is_named() -> None:
    """The pod's own reason, not only its containers'."""
    one = pod()
    end = Ended(code=0, reason="Completed", started_s=950, finished_s=960, attempt=1)
    state = with_slot(up(one), stage="ended", end=end)
    state = msgspec.structs.replace(state, stop_reason="DeadlineExceeded", stop_at_s=1.0)
    status = status_of(one, state, TOLD)
    assert (status.phase, status.reason) == ("Failed", "DeadlineExceeded")
