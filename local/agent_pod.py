"""Do to one pod what its state machine says: sandbox, volumes, containers, signals. The adapter of `agent_machine`."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from local.agent_cgroup import Cgroup
from local.agent_container import environ_of, main_pid, see, start_container, terminate
from local.agent_files import PodFiles
from local.agent_log_files import Marker
from local.agent_machine import PodState, container_of
from local.agent_objects import Pod
from local.agent_parts import Container
from local.agent_probing import ExecTarget, run_inside
from local.agent_quantity import QuantityError, millicores, whole
from local.agent_resolve import ConfigError, Context, Place, Sources, command_of
from local.agent_sandbox import (
    NetworkError,
    Sandbox,
    exists,
    load_rules,
    sandbox_of,
    set_up,
    tear_down,
)
from local.agent_script import StartPlan, Tools, exec_argv
from local.agent_settings import AgentSettings
from local.agent_slot import Absent, Seen, Slot, Start
from local.agent_volumes import files_of, mounts_of
from runtime.processes import Process, is_alive

KILL_S = 2.0
"""After `cgroup.kill` the kernel needs milliseconds; a process in uninterruptible sleep more."""


class Surroundings(Protocol):
    """What a pod needs of its node."""

    settings: AgentSettings
    tools: Tools
    group: Cgroup
    visible: tuple[str, ...]
    hidden: tuple[str, ...]

    def place(self, pod_ip: str) -> Place:
        """Where a pod with this address is."""
        ...

    def take_sandbox(self, uid: str) -> Sandbox:
        """A sandbox with an address nobody has. Raises `NetworkError`."""
        ...

    def rules(self, pod: Pod) -> str:
        """The pod's ruleset now."""
        ...


class PodHands:
    """Acts on one pod; holds its sandbox and the ruleset loaded in it."""

    def __init__(self, around: Surroundings, files: PodFiles, *, uid: str) -> None:
        self._around = around
        self.files = files
        self.uid = uid
        self.group = around.group.child(uid)
        self.sandbox: Sandbox | None = None
        self._loaded = ""
        self._shells: list[Process] = []
        self._environs: dict[str, dict[str, str]] = {}
        self._marker = Marker()

    def adopt(self, sandbox: Sandbox | None) -> bool:
        """Take over a recorded sandbox; False when it is gone (the machine was started anew)."""
        if sandbox is None or not exists(sandbox):
            return False
        self.sandbox = sandbox
        return True

    @property
    def address(self) -> str:
        """The pod's address, empty before there is one."""
        return self.sandbox.address if self.sandbox else ""

    async def set_up(self, pod: Pod, sources: Sources) -> None:
        """Volumes, namespace, ruleset: all before the first process. Raises `ConfigError`, `NetworkError`, `OSError`."""
        if pod.spec.host_network:
            raise ConfigError("hostNetwork: a process node has no such pods")
        sandbox = self.sandbox or self._around.take_sandbox(self.uid)
        self.sandbox = sandbox
        self.write_volumes(pod, sources)
        self._loaded = ""
        try:
            await set_up(self._around.settings, sandbox)
            await self.apply_rules(pod)
        except NetworkError:
            self.sandbox = None
            await tear_down(sandbox)
            raise

    def write_volumes(self, pod: Pod, sources: Sources) -> None:
        """Make the volumes hold what the API holds. Raises `ConfigError`, `OSError`."""
        place = self._around.place(self.address)
        for volume in pod.spec.volumes:
            files = files_of(volume, pod, sources=sources, place=place)
            self.files.write_volume(volume.name, files)

    async def apply_rules(self, pod: Pod) -> None:
        """Load the ruleset when it is another than the one loaded. Raises `NetworkError`."""
        if self.sandbox is None:
            return
        script = self._around.rules(pod)
        if script == self._loaded:
            return
        # an open pod needs no nft on the machine; one that was restricted and is not any more does
        if self._loaded or "chain" in script:
            await load_rules(self.sandbox, script)
        self._loaded = script

    async def start(self, pod: Pod, start: Start, sources: Sources) -> None:
        """Start one container. Raises `ConfigError`, `StartError`, `OSError`."""
        around, sandbox = self._around, self.sandbox
        if sandbox is None:
            raise ConfigError("no sandbox", reason="ContainerCreating")
        container = container_of(pod, start.name)
        context = Context(
            pod=pod, place=around.place(self.address), sources=sources, image=around.settings.image
        )
        command = command_of(container, context)
        self._environs[start.name] = command.environ
        mounts = mounts_of(container, pod)
        for mount in mounts:
            self._make_source(mount.source)
        files = self.files.container(start.name)
        record = files.make(start.attempt)
        group = self._fresh_group(container)
        plan = StartPlan(
            command=command, network_namespace=sandbox.path, join_files=tuple(group.join_files()),
            record=str(record), root=str(files.root), volumes=str(self.files.volumes),
            mounts=mounts, visible=around.visible, hidden=around.hidden,
            security=container.security_context,
        )  # fmt: skip
        self._shells.append(await start_container(plan, group, around.tools))

    def _make_source(self, source: str) -> None:
        path = self.files.volumes / source
        if not path.exists():  # a subPath of an emptyDir
            path.mkdir(parents=True)

    def _fresh_group(self, container: Container) -> Cgroup:
        group = self.group.child(container.name)
        group.kill()  # a start that an earlier agent made and could not record
        group.wait_empty(timeout_s=KILL_S)
        group.remove()  # the kernel's count of out-of-memory kills starts anew
        limits = container.resources.limits
        try:
            group.make(
                cpu_millicores=millicores(limits.get("cpu", "")),
                memory_bytes=whole(limits.get("memory", "")),
            )
        except QuantityError as error:
            raise ConfigError(f"container {container.name}: limits: {error}") from error
        return group

    def look(self, state: PodState) -> Mapping[str, Seen]:
        """What there is of every container."""
        self._shells = [shell for shell in self._shells if is_alive(shell)]  # reaps the others
        return {slot.name: self._see(slot) for slot in state.slots}

    def _see(self, slot: Slot) -> Seen:
        record = self.files.container(slot.name).record(max(1, slot.attempt))
        if not record.is_dir():
            return Absent()
        seen = see(record, self.group.child(slot.name))
        self._marker.mark(record)  # after: of a container that ended, all is written
        return seen

    def target(self, slot: Slot) -> ExecTarget:
        """How to run a command in the container."""
        group = self.group.child(slot.name)
        pid = main_pid(self.files.container(slot.name).record(slot.attempt), group)
        if not pid:
            return ExecTarget(None)
        wrap = exec_argv(
            pid=pid, tools=self._around.tools, join_files=tuple(group.join_files()),
            environ=self._environs.get(slot.name) or environ_of(pid), command=(),
        )  # fmt: skip
        return ExecTarget(wrap)

    async def run_hook(self, slot: Slot, command: tuple[str, ...]) -> None:
        """Run a command in the container to its end, whatever its code."""
        wrap = self.target(slot).wrap
        if wrap is not None:
            await run_inside((*wrap, *command))

    def terminate(self, slot: Slot) -> None:
        """SIGTERM to the main process."""
        record = self.files.container(slot.name).record(slot.attempt)
        terminate(record, self.group.child(slot.name))

    def kill(self, name: str) -> None:
        """SIGKILL all of a container."""
        self.group.child(name).kill()

    async def tear_down(self) -> None:
        """Nothing of the pod runs after this, and its network is gone. Raises `NetworkError`."""
        self.group.kill()
        if not self.group.wait_empty(timeout_s=KILL_S):
            raise NetworkError(f"{self.group.path}: processes do not end")
        self.group.remove()
        # by name: an agent may have died between making a namespace and recording it
        await tear_down(self.sandbox or sandbox_of(self._around.settings, self.uid, ""))
        self.sandbox = None


def visible_paths(settings: AgentSettings, exists_at: Callable[[str], bool]) -> tuple[str, ...]:
    """What a container must find though it lies below /tmp or /run, which are its own: the image's parts."""
    wanted = (
        settings.image.working_directory,
        *(str(Path(it).parent) for it in settings.image.entrypoint[:1] if it.startswith("/")),
        sys.prefix,
        sys.base_prefix,
    )
    below = (path for path in wanted if path.startswith(("/tmp/", "/run/")))  # noqa: S108 -- as above
    return tuple(dict.fromkeys(path for path in below if exists_at(path)))
