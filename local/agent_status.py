"""A pod's status as a kubelet reports it, from the pod's state: phase, conditions, container statuses. Pure.

It is sent as a merge patch, in which a list replaces a list: conditions that others wrote are carried over.
"""

from datetime import UTC, datetime

import msgspec

from local.agent_machine import PodState, container_of, phase_of
from local.agent_objects import Condition, Pod
from local.agent_parts import ApiStruct
from local.agent_slot import Ended, Slot

OWN_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


class WaitingState(ApiStruct, frozen=True, kw_only=True):
    """ContainerStateWaiting."""

    reason: str
    message: str = ""


class RunningState(ApiStruct, frozen=True, kw_only=True):
    """ContainerStateRunning."""

    started_at: str


class TerminatedState(ApiStruct, frozen=True, kw_only=True):
    """ContainerStateTerminated."""

    exit_code: int
    reason: str
    started_at: str
    finished_at: str
    container_id: str = msgspec.field(name="containerID")


class ContainerState(ApiStruct, frozen=True, kw_only=True, omit_defaults=True):
    """Exactly one is set, or none."""

    waiting: WaitingState | None = None
    running: RunningState | None = None
    terminated: TerminatedState | None = None


class ContainerStatus(ApiStruct, frozen=True, kw_only=True):
    """ContainerStatus."""

    name: str
    image: str
    image_id: str = msgspec.field(name="imageID", default="")
    container_id: str = msgspec.field(name="containerID", default="")
    ready: bool
    started: bool
    restart_count: int
    state: ContainerState
    last_state: ContainerState = ContainerState()


class HostAddress(ApiStruct, frozen=True):
    """PodIP and HostIP."""

    ip: str


class PodStatus(ApiStruct, frozen=True, kw_only=True):
    """What this node says of a pod."""

    phase: str
    conditions: tuple[Condition, ...]
    host_ip: str = msgspec.field(name="hostIP")
    host_ips: tuple[HostAddress, ...] = msgspec.field(name="hostIPs")
    start_time: str
    container_statuses: tuple[ContainerStatus, ...]
    init_container_statuses: tuple[ContainerStatus, ...]
    reason: str | None = None
    message: str | None = None
    pod_ip: str | None = msgspec.field(name="podIP", default=None)
    pod_ips: tuple[HostAddress, ...] | None = msgspec.field(name="podIPs", default=None)


def timestamp(at_s: float) -> str:
    """RFC 3339 in UTC to the second, as the API has it."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the status depends on beside the pod and its state.

    `pod_ip` is empty before there is a sandbox; `before` are the conditions as last sent, empty: as in the API.
    """

    pod_ip: str
    host_ip: str
    now_s: float
    before: tuple[Condition, ...] = ()


def status_of(pod: Pod, state: PodState, told: Told) -> PodStatus:
    """The status to report."""
    pod_ip, host_ip = told.pod_ip, told.host_ip
    phase = phase_of(pod, state)
    statuses = {slot.name: _container_status(pod, slot) for slot in state.slots}
    deadline = state.stop_reason == "DeadlineExceeded"
    return PodStatus(
        phase=phase,
        conditions=_conditions(pod, state, phase=phase, told=told),
        host_ip=host_ip,
        host_ips=(HostAddress(host_ip),),
        start_time=pod.status.start_time or timestamp(state.started_s),
        container_statuses=tuple(statuses[it.name] for it in pod.spec.containers),
        init_container_statuses=tuple(statuses[it.name] for it in pod.spec.init_containers),
        reason="DeadlineExceeded" if deadline else None,
        message="Pod was active on the node longer than the specified deadline" if deadline else None,
        pod_ip=pod_ip or None,
        pod_ips=(HostAddress(pod_ip),) if pod_ip else None,
    )  # fmt: skip


def _container_status(pod: Pod, slot: Slot) -> ContainerStatus:
    image = container_of(pod, slot.name).image
    return ContainerStatus(
        name=slot.name,
        image=image,
        image_id=image if slot.attempt else "",
        container_id=_id(pod, slot.name, slot.attempt) if slot.attempt else "",
        ready=slot.ready if not slot.init else slot.end is not None and slot.end.code == 0,
        started=slot.started,
        restart_count=max(0, slot.attempt - 1),
        state=_state(pod, slot),
        last_state=ContainerState(terminated=_terminated(pod, slot.name, slot.last)),
    )


def _id(pod: Pod, name: str, attempt: int) -> str:
    return f"isthmus://{pod.metadata.uid}/{name}/{attempt}"


def _state(pod: Pod, slot: Slot) -> ContainerState:
    match slot.stage:
        case "waiting":
            return ContainerState(waiting=WaitingState(reason=slot.reason, message=slot.message))
        case "running" | "ending":
            return ContainerState(running=RunningState(started_at=timestamp(slot.started_s)))
        case "ended":
            return ContainerState(terminated=_terminated(pod, slot.name, slot.end))


def _terminated(pod: Pod, name: str, end: Ended | None) -> TerminatedState | None:
    if end is None:
        return None
    return TerminatedState(
        exit_code=end.code,
        reason=end.reason,
        started_at=timestamp(end.started_s),
        finished_at=timestamp(end.finished_s),
        container_id=_id(pod, name, end.attempt),
    )


def is_told(status: PodStatus, pod: Pod) -> bool:
    """Whether the API tells our conditions as we do: of a node it took for lost it calls every pod not ready."""
    told = {it.type: it.status for it in pod.status.conditions}
    return all(
        told.get(it.type) == it.status for it in status.conditions if it.type in OWN_CONDITIONS
    )


def _conditions(pod: Pod, state: PodState, *, phase: str, told: Told) -> tuple[Condition, ...]:
    main = [slot for slot in state.slots if not slot.init]
    begun = any(slot.attempt for slot in main)
    initialized = begun or all(
        slot.end is not None and slot.end.code == 0 for slot in state.slots if slot.init
    )
    unready = [slot.name for slot in main if not slot.ready]
    over = phase in {"Succeeded", "Failed"}
    reason = "PodCompleted" if phase == "Succeeded" else "ContainersNotReady"
    message = (
        "" if over or not unready else f"containers with unready status: [{' '.join(unready)}]"
    )
    ready = not unready and not over and not state.stop_at_s
    facts = {
        "PodReadyToStartContainers": (state.sandbox, "", ""),
        "Initialized": (initialized, "" if initialized else "ContainersNotInitialized", ""),
        "Ready": (ready, "" if ready else reason, message),
        "ContainersReady": (not unready and not over, "" if not unready else reason, message),
    }
    before = {condition.type: condition for condition in told.before or pod.status.conditions}
    own = [
        _condition(kind, facts[kind], before.get(kind), now_s=told.now_s) for kind in OWN_CONDITIONS
    ]
    others = [it for it in pod.status.conditions if it.type not in OWN_CONDITIONS]
    return (*own, *others)


def _condition(
    kind: str, fact: tuple[bool, str, str], before: Condition | None, *, now_s: float
) -> Condition:
    holds, reason, message = fact
    status = "True" if holds else "False"
    same = before is not None and before.status == status
    since = before.last_transition_time if before is not None and same else timestamp(now_s)
    return Condition(
        type=kind, status=status, last_transition_time=since, reason=reason, message=message
    )
