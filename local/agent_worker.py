"""Run one pod: look, decide, act, report, several times a second and at every change. The loop of `agent_machine`."""

import asyncio
from typing import Protocol

import msgspec
import structlog

from local.agent_api import ApiError
from local.agent_asking import Asking
from local.agent_container import StartError
from local.agent_files import PodRecord
from local.agent_log_files import trim_log
from local.agent_machine import (
    Forget,
    Look,
    PodAction,
    SetUp,
    TearDown,
    container_of,
    decide,
    is_over,
    new_state,
    with_failed_start,
    with_sandbox,
    with_start,
    without_sandbox,
)
from local.agent_objects import Condition, Pod
from local.agent_pod import PodHands
from local.agent_resolve import ConfigError, Sources
from local.agent_sandbox import NetworkError
from local.agent_slot import Kill, Slot, Start, Terminate
from local.agent_status import PodStatus, Told, is_told, status_of

TICK_S = 0.2
"""An exit is seen within this; looking costs two small files per container."""
REFRESH_S = 60.0
"""How often mounted ConfigMaps, Secrets and tokens are fetched anew (the kubelet: about the same)."""
REPORT_RETRY_S = 1.0
_log = structlog.stdlib.get_logger()


class Reporter(Protocol):
    """Where status goes and objects come from."""

    async def report(self, pod: Pod, status: PodStatus) -> None:
        """Send a status. Raises `ApiError`."""
        ...

    async def finish(self, pod: Pod) -> None:
        """Complete the deletion. Raises `ApiError`."""
        ...

    async def sources(self, pod: Pod, *, now_s: float) -> Sources:
        """What the pod names. Raises `ApiError`."""
        ...


class Clock(Protocol):
    """Wall-clock seconds."""

    def __call__(self) -> float:
        """Now."""
        ...


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What every worker of a node shares."""

    reporter: Reporter
    clock: Clock
    host_ip: str
    back_off_s: float


class PodWorker:
    """One pod from binding to removal."""

    def __init__(self, pod: Pod, hands: PodHands, *, means: Means) -> None:
        self.pod, self.hands = pod, hands
        self._reporter, self._clock, self._host_ip = means.reporter, means.clock, means.host_ip
        self._back_off_s = means.back_off_s
        clock = means.clock
        self.state = new_state(pod, now_s=clock())
        self.gone = False
        self.wake = asyncio.Event()
        self._asking = Asking(hands, clock=clock, wake=self.wake.set)
        self._written: PodRecord | None = None
        self._sent: PodStatus | None = None
        self._sent_conditions: tuple[Condition, ...] = ()
        self._sent_for: Pod | None = None
        self._report_at_s = 0.0
        self._refresh_at_s = 0.0

    def adopt(self, record: PodRecord) -> None:
        """Take up what an earlier agent recorded."""
        names = [slot.name for slot in self.state.slots]
        if [slot.name for slot in record.state.slots] == names:
            up = self.hands.adopt(record.sandbox)
            self.state = with_sandbox(record.state, up=up and record.state.sandbox)
        self._written = record

    def update(self, pod: Pod) -> None:
        """The API has a newer version."""
        if pod != self.pod:
            self.pod = pod
            self.wake.set()

    def vanish(self) -> None:
        """The API has no such pod any more."""
        if not self.gone:
            self.gone = True
            self.wake.set()

    async def run(self) -> None:
        """Until nothing of the pod is left."""
        async with asyncio.TaskGroup() as tasks:
            while not await self._pass(tasks):
                try:
                    async with asyncio.timeout(TICK_S):
                        await self.wake.wait()
                except TimeoutError:
                    pass
                self.wake.clear()
            self._asking.stop()

    async def _pass(self, tasks: asyncio.TaskGroup) -> bool:
        """One look; whether the pod is done with."""
        now_s = self._clock()
        look = Look(
            now_s=now_s, seen=self.hands.look(self.state), gone=self.gone,
            verdicts=self._asking.verdicts(self.pod, self.state), back_off_s=self._back_off_s,
        )  # fmt: skip
        before = self.state
        self.state, actions = decide(self.pod, before, look)
        if self.state != before:
            self.wake.set()  # what one container's end means for another is for the next look, now
        # recorded before it is acted on: what was started is then found again, whenever the agent dies
        self._write()
        forget = False
        for action in actions:
            forget = await self._act(action, tasks) or forget
        self._write()
        self._asking.ask_due(self.pod, self.state, tasks=tasks)
        await self._refresh()
        await self._report()
        return forget and await self._forget()

    async def _act(self, action: PodAction, tasks: asyncio.TaskGroup) -> bool:
        match action:
            case SetUp():
                await self._set_up()
            case Start():
                await self._start(action)
            case Terminate(name=name):
                slot = next(slot for slot in self.state.slots if slot.name == name)
                tasks.create_task(self._terminate(slot))
            case Kill(name=name):
                self.hands.kill(name)
            case TearDown():
                await self._tear_down()
            case Forget():
                return True
        return False

    async def _set_up(self) -> None:
        try:
            sources = await self._reporter.sources(self.pod, now_s=self._clock())
            await self.hands.set_up(self.pod, sources)
        except (ConfigError, NetworkError, ApiError, OSError) as error:
            self.state = without_sandbox(
                self.state, reason="ContainerCreating", message=str(error), now_s=self._clock()
            )
            return
        self.state = with_sandbox(self.state, up=True)
        self._refresh_at_s = self._clock() + REFRESH_S
        self.wake.set()

    async def _start(self, start: Start) -> None:
        try:
            sources = await self._reporter.sources(self.pod, now_s=self._clock())
            await self.hands.start(self.pod, start, sources)
        except (ConfigError, StartError, ApiError, OSError) as error:
            reason = error.reason if isinstance(error, ConfigError) else "RunContainerError"
            self.state = with_failed_start(
                self.state, start, reason=reason, message=str(error), now_s=self._clock()
            )
            return
        self.state = with_start(self.state, start, now_s=self._clock())
        self.wake.set()

    async def _terminate(self, slot: Slot) -> None:
        """The preStop hook, then SIGTERM; SIGKILL comes in its time whether or not the hook has ended."""
        hook = container_of(self.pod, slot.name).lifecycle.pre_stop
        if hook is not None:
            left_s = max(0.0, slot.due_s - self._clock())
            try:
                async with asyncio.timeout(left_s):
                    if hook.exec is not None:
                        await self.hands.run_hook(slot, hook.exec.command)
                    elif hook.sleep is not None:
                        await asyncio.sleep(hook.sleep.seconds)
            except (TimeoutError, OSError) as error:
                _log.warning("agent.pre_stop", pod=self.pod.metadata.name, error=repr(error))
        self.hands.terminate(slot)

    async def _tear_down(self) -> None:
        try:
            await self.hands.tear_down()
        except (NetworkError, OSError) as error:
            _log.warning("agent.tear_down", pod=self.pod.metadata.name, error=str(error))
            return
        self.state = with_sandbox(self.state, up=False)
        self.wake.set()

    async def _forget(self) -> bool:
        try:
            await self.hands.tear_down()  # also what a set-up left that was never completed
            if not self.gone:
                await self._reporter.finish(self.pod)
        except (ApiError, NetworkError, OSError) as error:
            _log.warning("agent.finish", pod=self.pod.metadata.name, error=str(error))
            return False
        self.hands.files.remove()
        return True

    async def _refresh(self) -> None:
        now_s = self._clock()
        if not self.state.sandbox or self.state.stop_at_s or now_s < self._refresh_at_s:
            return
        self._refresh_at_s = now_s + REFRESH_S
        for slot in self.state.slots:
            trim_log(self.hands.files.container(slot.name).record(slot.attempt))
        try:
            sources = await self._reporter.sources(self.pod, now_s=now_s)
            self.hands.write_volumes(self.pod, sources)
        except (ConfigError, ApiError, OSError) as error:
            # what is mounted stays as it was; a ConfigMap that was deleted does not stop a running pod
            _log.warning("agent.refresh", pod=self.pod.metadata.name, error=str(error))

    async def apply_rules(self) -> None:
        """Load the ruleset if it changed. Raises `NetworkError`."""
        if self.state.sandbox:
            await self.hands.apply_rules(self.pod)

    def _write(self) -> None:
        meta = self.pod.metadata
        record = PodRecord(
            namespace=meta.namespace, name=meta.name, uid=meta.uid, state=self.state,
            sandbox=self.hands.sandbox,
        )  # fmt: skip
        if record != self._written:
            self.hands.files.write(record)
            self._written = record

    async def _report(self) -> None:
        now_s = self._clock()
        if self.gone or now_s < self._report_at_s:
            return
        told = Told(
            pod_ip=self.hands.address or self._last_address(), host_ip=self._host_ip, now_s=now_s,
            before=self._sent_conditions,
        )  # fmt: skip
        status = status_of(self.pod, self.state, told)
        ended = self.pod.status.phase in {"Succeeded", "Failed"}
        stands = status == self._sent and (self.pod is self._sent_for or is_told(status, self.pod))
        if stands or (ended and status.phase not in {"Succeeded", "Failed"}):
            return  # nothing new, or of a pod that ended for the API already: that is never taken back
        try:
            await self._reporter.report(self.pod, status)
        except ApiError as error:
            self._report_at_s = now_s + REPORT_RETRY_S
            if error.status not in {404, 409}:  # gone meanwhile, or its name is another pod's
                _log.warning("agent.report", pod=self.pod.metadata.name, error=str(error))
            return
        self._sent, self._sent_conditions, self._sent_for = status, status.conditions, self.pod

    def _last_address(self) -> str:
        """A pod that ran keeps the address it had in its status until it is deleted."""
        return (
            self.pod.status.pod_ip if is_over(self.pod, self.state) or self.state.stop_at_s else ""
        )
