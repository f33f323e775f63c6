"""The probes of one pod while it runs: which are due is `agent_probe`'s business, asking them is done here."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from local.agent_machine import PodState, Verdict, container_of
from local.agent_objects import Pod
from local.agent_parts import Container
from local.agent_pod import PodHands
from local.agent_probe import (
    Health,
    ProbeKind,
    begin,
    due_probes,
    is_ready,
    is_started,
    probe_of,
    record,
    sick_of,
)
from local.agent_probing import ask
from local.agent_slot import Slot

_log = structlog.stdlib.get_logger()
Run = tuple[str, int]
"""A container and its attempt: answers about an earlier run say nothing of this one."""


class Asking:
    """Health by run, and what is being asked."""

    def __init__(
        self, hands: PodHands, *, clock: Callable[[], float], wake: Callable[[], None]
    ) -> None:
        self._hands, self._clock, self._wake = hands, clock, wake
        self._health: dict[Run, Health] = {}
        self._open: dict[tuple[Run, ProbeKind], asyncio.Task[None]] = {}

    def verdicts(self, pod: Pod, state: PodState) -> Mapping[str, Verdict]:
        """What the probes say of every running container; probing begins with its first look."""
        live = {(slot.name, slot.attempt) for slot in state.slots if slot.stage == "running"}
        for run in set(self._health) - live:
            del self._health[run]
        found: dict[str, Verdict] = {}
        for slot in state.slots:
            if slot.stage != "running":
                continue
            container = container_of(pod, slot.name)
            run = (slot.name, slot.attempt)
            if run not in self._health:
                # ready before we ever asked: an agent that came back goes on where the earlier one was
                self._health[run] = begin(container, self._clock(), adopted=slot.ready)
            found[slot.name] = _verdict(container, self._health[run])
        return found

    def ask_due(self, pod: Pod, state: PodState, *, tasks: asyncio.TaskGroup) -> None:
        """Start what is due and not being asked already."""
        now_s = self._clock()
        for slot in state.slots:
            run = (slot.name, slot.attempt)
            health = self._health.get(run)
            if slot.stage != "running" or health is None:
                continue
            container = container_of(pod, slot.name)
            for kind in due_probes(health, now_s):
                if (run, kind) not in self._open:
                    self._open[run, kind] = tasks.create_task(self._ask(slot, container, kind))

    async def _ask(self, slot: Slot, container: Container, kind: ProbeKind) -> None:
        run = (slot.name, slot.attempt)
        probe = probe_of(container, kind)
        try:
            if probe is None:
                return
            into = self._hands.target(slot)
            why_not = await ask(probe, container, address=self._hands.address, into=into)
            health = self._health.get(run)
            if health is None:
                return
            after = record(health, kind, probe, ok=not why_not, now_s=self._clock())
            self._health[run] = after
            if why_not:
                _log.info("agent.probe", container=slot.name, kind=kind, error=why_not)
            if _verdict(container, after) != _verdict(container, health):
                self._wake()
        finally:
            self._open.pop((run, kind), None)

    def stop(self) -> None:
        """Ask nothing more."""
        for task in self._open.values():
            task.cancel()


def _verdict(container: Container, health: Health) -> Verdict:
    kind = sick_of(health)
    if kind is None:
        return Verdict(started=is_started(health), ready=is_ready(health))
    probe = probe_of(container, kind)
    grace = probe.termination_grace_period_seconds if probe else None
    return Verdict(
        started=is_started(health),
        ready=False,
        sick=f"Container {container.name} failed {kind} probe, will be restarted",
        grace_s=None if grace is None else float(grace),
    )
