"""One pod's life: desired pod + what is seen + clock → state and actions. Pure.

Order: sandbox, init containers one after another, the containers; on the way out all at once, then the sandbox,
then the API object. A pod whose containers are done keeps its records until it is deleted.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from local.agent_objects import Pod
from local.agent_parts import Container
from local.agent_slot import (
    Absent,
    Circumstances,
    Kill,
    Running,
    Seen,
    Slot,
    Start,
    Terminate,
    Want,
    not_started,
    restarts,
    started,
    step,
)

PodPhase = Literal["Pending", "Running", "Succeeded", "Failed"]
RETRY_S = 2.0
"""After a sandbox or container that could not be made: a ConfigMap may appear meanwhile."""


class PodState(msgspec.Struct, frozen=True, kw_only=True):
    """What outlives the agent. `stop_at_s` 0: the pod is not asked to go, else when it is killed."""

    slots: tuple[Slot, ...]
    sandbox: bool = False
    started_s: float = 0.0
    stop_at_s: float = 0.0
    stop_reason: str = ""
    retry_at_s: float = 0.0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the probes of one container say."""

    started: bool = True
    ready: bool = True
    sick: str = ""
    grace_s: float | None = None


class SetUp(msgspec.Struct, frozen=True):
    """Make namespace, address, policy, volumes."""


class TearDown(msgspec.Struct, frozen=True):
    """Take namespace and groups away."""


class Forget(msgspec.Struct, frozen=True):
    """Nothing is left here: finish the deletion in the API and drop the records."""


PodAction = SetUp | TearDown | Forget | Start | Terminate | Kill


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a pod. `gone`: the API does not have it any more; what has no entry is absent, healthy."""

    now_s: float
    seen: Mapping[str, Seen]
    verdicts: Mapping[str, Verdict]
    gone: bool = False
    back_off_s: float = 10.0


def new_state(pod: Pod, *, now_s: float) -> PodState:
    """A pod that was just bound to the node."""
    init = tuple(Slot(name=it.name, init=True) for it in pod.spec.init_containers)
    reason = "PodInitializing" if init else "ContainerCreating"
    main = tuple(Slot(name=it.name, reason=reason) for it in pod.spec.containers)
    return PodState(slots=(*init, *main), started_s=now_s)


def decide(pod: Pod, state: PodState, look: Look) -> tuple[PodState, tuple[PodAction, ...]]:
    """The next state and what to do now, in order."""
    state = _stopping(pod, state, look)
    slots: list[Slot] = []
    actions: list[PodAction] = []
    for index, slot in enumerate(state.slots):
        want = _want(state, index)
        around = _around(pod, state, slot, want=want, look=look)
        after, action = step(slot, look.seen.get(slot.name, Absent()), around)
        slots.append(after)
        if action is not None:
            actions.append(action)
    state = msgspec.structs.replace(state, slots=tuple(slots))
    return state, (*actions, *_whole(pod, state, look))


def _stopping(pod: Pod, state: PodState, look: Look) -> PodState:
    """Whether, why and until when the pod is going; a later, shorter grace shortens it."""
    limit_s = pod.spec.active_deadline_seconds
    if look.gone:
        reason, grace_s = "Gone", 0.0
    elif pod.metadata.deletion_timestamp:
        asked = pod.metadata.deletion_grace_period_seconds
        reason = "Deleted"
        grace_s = float(pod.spec.termination_grace_period_seconds if asked is None else asked)
    elif (
        limit_s is not None and look.now_s >= state.started_s + limit_s and not is_over(pod, state)
    ):
        reason, grace_s = "DeadlineExceeded", float(pod.spec.termination_grace_period_seconds)
    else:
        return state
    at_s = look.now_s + grace_s
    if state.stop_at_s and at_s >= state.stop_at_s:
        at_s = state.stop_at_s
    kept = state.stop_reason if state.stop_reason == "DeadlineExceeded" else reason
    return msgspec.structs.replace(state, stop_at_s=at_s, stop_reason=kept)


def _around(pod: Pod, state: PodState, slot: Slot, *, want: Want, look: Look) -> Circumstances:
    verdict = look.verdicts.get(slot.name, Verdict())
    usual_s = float(pod.spec.termination_grace_period_seconds)
    return Circumstances(
        want=want,
        restart=_restart_of(pod, slot),
        now_s=look.now_s,
        grace_s=usual_s if verdict.grace_s is None else verdict.grace_s,
        stop_at_s=state.stop_at_s,
        sick=verdict.sick,
        started=verdict.started,
        ready=verdict.ready,
        back_off_s=look.back_off_s,
    )


def _restart_of(pod: Pod, slot: Slot) -> Literal["Always", "OnFailure", "Never"]:
    # an init container is run until it succeeds, unless nothing is ever run again
    return (
        "OnFailure"
        if slot.init and pod.spec.restart_policy == "Always"
        else pod.spec.restart_policy
    )


def _want(state: PodState, index: int) -> Want:
    slot = state.slots[index]
    if state.stop_at_s:
        return "stop"
    if not state.sandbox:
        # a running container without a sandbox cannot be: after a restart it is seen before it is recorded
        return "hold"
    begun = any(it.attempt for it in state.slots if not it.init)
    if slot.init and begun:
        return "hold"
    earlier = [it for it in state.slots[:index] if it.init]
    return "run" if begun or all(_succeeded(it) for it in earlier) else "hold"


def _succeeded(slot: Slot) -> bool:
    return slot.stage == "ended" and slot.end is not None and slot.end.code == 0


def _whole(pod: Pod, state: PodState, look: Look) -> tuple[PodAction, ...]:
    quiet = all(slot.stage in {"waiting", "ended"} for slot in state.slots)
    going = bool(state.stop_at_s) or is_over(pod, state)
    if not going:
        due = not state.sandbox and look.now_s >= state.retry_at_s
        return (SetUp(),) if due else ()
    busy = any(isinstance(it, Running) for it in look.seen.values())
    if not quiet or busy:
        return ()
    if state.sandbox:
        return (TearDown(),)
    deleted = look.gone or bool(pod.metadata.deletion_timestamp)
    return (Forget(),) if deleted else ()


def is_over(pod: Pod, state: PodState) -> bool:
    """Whether nothing will ever run again in this pod."""
    if state.stop_reason == "DeadlineExceeded":
        return all(slot.stage in {"waiting", "ended"} for slot in state.slots)
    if any(_failed_for_good(pod, slot) for slot in state.slots if slot.init):
        return all(slot.stage in {"waiting", "ended"} for slot in state.slots)
    main = [slot for slot in state.slots if not slot.init]
    return bool(main) and all(slot.stage == "ended" for slot in main)


def _failed_for_good(pod: Pod, slot: Slot) -> bool:
    code = slot.end.code if slot.stage == "ended" and slot.end is not None else 0
    return code != 0 and not restarts(slot, code, _restart_of(pod, slot))


def phase_of(pod: Pod, state: PodState) -> PodPhase:
    """The pod's phase as the kubelet computes it."""
    main = [slot for slot in state.slots if not slot.init]
    if is_over(pod, state):
        ends = [slot.end for slot in main]
        fine = all(end is not None and end.code == 0 for end in ends)
        return "Succeeded" if fine and state.stop_reason != "DeadlineExceeded" else "Failed"
    return "Running" if any(slot.attempt for slot in main) else "Pending"


def with_sandbox(state: PodState, *, up: bool) -> PodState:
    """The state after the sandbox was made or taken away."""
    return msgspec.structs.replace(state, sandbox=up, retry_at_s=0.0)


def without_sandbox(state: PodState, *, reason: str, message: str, now_s: float) -> PodState:
    """The state after the sandbox could not be made; it is tried again."""
    slots = tuple(
        not_started(slot, reason=reason, message=message, retry_at_s=0.0)
        if slot.stage == "waiting"
        else slot
        for slot in state.slots
    )
    return msgspec.structs.replace(state, slots=slots, retry_at_s=now_s + RETRY_S)


def with_start(state: PodState, start: Start, *, now_s: float) -> PodState:
    """The state after a container was started."""
    return _with(state, start.name, lambda slot: started(slot, attempt=start.attempt, now_s=now_s))


def with_failed_start(
    state: PodState, start: Start, *, reason: str, message: str, now_s: float
) -> PodState:
    """The state after a container could not be started; it is tried again."""
    return _with(
        state,
        start.name,
        lambda slot: not_started(slot, reason=reason, message=message, retry_at_s=now_s + RETRY_S),
    )


def _with(state: PodState, name: str, change: Callable[[Slot], Slot]) -> PodState:
    slots = tuple(change(slot) if slot.name == name else slot for slot in state.slots)
    return msgspec.structs.replace(state, slots=slots)


def container_of(pod: Pod, name: str) -> Container:
    """The container of that name. Raises `KeyError`."""
    for container in (*pod.spec.init_containers, *pod.spec.containers):
        if container.name == name:
            return container
    raise KeyError(name)
