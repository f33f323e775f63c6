"""One container's life as a table: (stage, what is seen) → stage and what to do. Pure.

    waiting ──start──▶ running ──exit──▶ ended ──restart policy──▶ waiting (back-off)
                          └─stop, sick─▶ ending ──exit──▶ ended     └─ SIGKILL at `due_s`

Times are wall-clock seconds: they outlive the agent. An exit nobody recorded (the group was killed) is 137.
"""

from typing import Literal

import msgspec

Stage = Literal["waiting", "running", "ending", "ended"]
Want = Literal["run", "hold", "stop"]
Restart = Literal["Always", "OnFailure", "Never"]
BACK_OFF_MAX_S = 300.0
"""The kubelet's."""
STABLE_S = 600.0
"""A container that ran this long starts its back-off anew (the kubelet: twice the maximum)."""
KILLED = 137


class Absent(msgspec.Struct, frozen=True, tag=True):
    """Nothing runs and nothing was recorded."""


class Running(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It runs since `started_s`."""

    started_s: float


class Exited(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It has ended; `started_s` 0 when it was not recorded."""

    code: int
    started_s: float
    finished_s: float
    out_of_memory: bool = False


Seen = Absent | Running | Exited


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How one run of a container ended."""

    code: int
    reason: str
    started_s: float
    finished_s: float
    attempt: int


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A container's state. `attempt` counts starts; `crashes` those its back-off counts.

    `due_s`: when waiting, not to be started before; when ending, SIGKILL then.
    """

    name: str
    init: bool = False
    stage: Stage = "waiting"
    reason: str = "ContainerCreating"
    message: str = ""
    attempt: int = 0
    crashes: int = 0
    due_s: float = 0.0
    started_s: float = 0.0
    end: Ended | None = None
    last: Ended | None = None
    started: bool = False
    ready: bool = False


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Run it; `attempt` names its log and record."""

    name: str
    attempt: int


class Terminate(msgspec.Struct, frozen=True, kw_only=True):
    """Run its preStop hook, then SIGTERM."""

    name: str


class Kill(msgspec.Struct, frozen=True, kw_only=True):
    """SIGKILL all of it."""

    name: str


SlotAction = Start | Terminate | Kill


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What else decides. `stop_at_s` is when a pod that must go is killed; `sick` a reason to restart.

    `started` and `ready` are the probes' verdicts; `grace_s` is given on a restart.
    """

    want: Want
    restart: Restart
    now_s: float
    grace_s: float
    stop_at_s: float = 0.0
    sick: str = ""
    started: bool = True
    ready: bool = True
    back_off_s: float = 10.0


def step(slot: Slot, seen: Seen, around: Circumstances) -> tuple[Slot, SlotAction | None]:
    """One look at one container."""
    match slot.stage:
        case "waiting":
            return _waiting(slot, seen, around)
        case "running":
            return _running(slot, seen, around)
        case "ending":
            return _ending(slot, seen, around)
        case "ended":
            # what its main process left behind goes with it
            return slot, Kill(name=slot.name) if isinstance(seen, Running) else None


def _waiting(slot: Slot, seen: Seen, around: Circumstances) -> tuple[Slot, SlotAction | None]:
    match seen:
        case Running(started_s=started_s):
            adopted = msgspec.structs.replace(
                slot, stage="running", reason="", message="", started_s=started_s,
                attempt=max(1, slot.attempt),
            )  # fmt: skip
            return adopted, None  # what its probes say is for the next look
        case Exited() if slot.attempt and (slot.last is None or slot.last.attempt < slot.attempt):
            return _after_exit(slot, seen, around), None
        case Absent() | Exited():
            if around.want != "run" or around.now_s < slot.due_s:
                return slot, None
            attempt = slot.attempt + 1
            return slot, Start(name=slot.name, attempt=attempt)


def started(slot: Slot, *, attempt: int, now_s: float) -> Slot:
    """The slot after a start that succeeded."""
    return msgspec.structs.replace(
        slot, stage="running", reason="", message="", attempt=attempt, started_s=now_s, end=None,
        started=False, ready=False,
    )  # fmt: skip


def not_started(slot: Slot, *, reason: str, message: str, retry_at_s: float) -> Slot:
    """The slot after a start that failed before the container ran."""
    return msgspec.structs.replace(slot, reason=reason, message=message, due_s=retry_at_s)


def _running(slot: Slot, seen: Seen, around: Circumstances) -> tuple[Slot, SlotAction | None]:
    match seen:
        case Running():
            flagged = msgspec.structs.replace(
                slot, started=around.started, ready=around.ready and around.started
            )
            if around.want == "stop":
                due_s = around.stop_at_s
            elif around.sick:
                due_s = around.now_s + around.grace_s
            else:
                return flagged, None
            ending = msgspec.structs.replace(
                flagged, stage="ending", ready=False, due_s=due_s, message=around.sick
            )
            return ending, Terminate(name=slot.name)
        case Exited():
            return _after_exit(slot, seen, around), None
        case Absent():
            lost = Exited(code=KILLED, started_s=slot.started_s, finished_s=around.now_s)
            return _after_exit(slot, lost, around), None


def _ending(slot: Slot, seen: Seen, around: Circumstances) -> tuple[Slot, SlotAction | None]:
    match seen:
        case Running():
            due_s = min(slot.due_s, around.stop_at_s) if around.want == "stop" else slot.due_s
            kept = msgspec.structs.replace(slot, due_s=due_s)
            return kept, Kill(name=slot.name) if around.now_s >= due_s else None
        case Exited():
            return _after_exit(slot, seen, around), None
        case Absent():
            lost = Exited(code=KILLED, started_s=slot.started_s, finished_s=around.now_s)
            return _after_exit(slot, lost, around), None


def _after_exit(slot: Slot, exited: Exited, around: Circumstances) -> Slot:
    end = Ended(
        code=exited.code, reason=_reason(exited), started_s=exited.started_s or slot.started_s,
        finished_s=exited.finished_s, attempt=slot.attempt,
    )  # fmt: skip
    over = msgspec.structs.replace(
        slot, stage="ended", reason="", message="", end=end, started=False, ready=False
    )
    if around.want == "stop" or not restarts(slot, end.code, around.restart):
        return over
    stable = end.finished_s - end.started_s >= STABLE_S
    crashes = 0 if stable else slot.crashes
    return msgspec.structs.replace(
        over, stage="waiting", reason="CrashLoopBackOff", end=None, last=end,
        message=f"back-off restarting failed container {slot.name}", crashes=crashes + 1,
        due_s=end.finished_s + back_off(crashes, first_s=around.back_off_s),
    )  # fmt: skip


def _reason(exited: Exited) -> str:
    if exited.out_of_memory and exited.code == KILLED:
        return "OOMKilled"
    return "Completed" if exited.code == 0 else "Error"


def restarts(slot: Slot, code: int, policy: Restart) -> bool:
    """Whether a container that ended so is started again; an init container that succeeded never is."""
    if code == 0:
        return policy == "Always" and not slot.init
    return policy != "Never"


def back_off(crashes: int, *, first_s: float) -> float:
    """Seconds to wait before the restart after this many earlier ones: none, then doubling to 300."""
    return 0.0 if crashes == 0 else min(BACK_OFF_MAX_S, first_s * 2.0 ** min(crashes - 1, 16))
