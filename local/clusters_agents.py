"""Process nodes: one agent per node, started in the site's namespace; ended by its control group, pods and all."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from contracts.cluster import NodePool, Site
from local.agent_cgroup import Cgroup, Hierarchies
from local.agent_settings import AgentSettings, ProcessImage
from local.clusters_block import Block
from local.clusters_network import inside, remove
from local.clusters_objects import SCALED_LABEL, SETTINGS_LABEL, settings_digest
from local.clusters_state import ClusterFiles, database_home
from local.state import write_whole
from runtime.processes import (
    MARK,
    Launch,
    Process,
    end_processes,
    marked_processes,
    start_process,
)

CODE = Path(__file__).parents[1]
SETTINGS = "settings.json"
END_S = 5.0


class Agents:
    """The agents of one cluster."""

    def __init__(
        self, files: ClusterFiles, block: Block, *, site: Site, groups: Hierarchies
    ) -> None:
        self._files, self._block, self._groups = files, block, groups
        self._site: Site = site

    def settings(self) -> dict[str, AgentSettings]:
        """What each agent of this cluster was started with, by node; a half-written one counts as none."""
        return dict(self._read_all())

    def _read_all(self) -> Iterator[tuple[str, AgentSettings]]:
        for path in sorted(self._files.agents.glob(f"*/{SETTINGS}")):
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                yield path.parent.name, msgspec.json.decode(path.read_bytes(), type=AgentSettings)

    def running(self) -> dict[str, Process]:
        """The living agents by node."""
        return {
            name: process
            for process in marked_processes(self._files.mark)
            if (name := self._node_of(process))
        }

    def _node_of(self, process: Process) -> str:
        try:
            words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return ""
        path = (
            Path(os.fsdecode(words[words.index(b"--settings") + 1]))
            if b"--settings" in words
            else None
        )
        return path.parent.name if path and path.parent.parent == self._files.agents else ""

    def add(self, name: str, pool: NodePool, *, subnet: str, scaled: bool) -> None:
        """Write a new node's settings and start its agent."""
        net = self._block.site(self._site)
        directory = self._files.agents / name
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        labels = {SETTINGS_LABEL: settings_digest(pool)} | (
            {SCALED_LABEL: "true"} if scaled else {}
        )
        settings = AgentSettings(
            name=name,
            pool=pool.name,
            traffic_class=pool.traffic_class,
            kubeconfig=str(self._files.kubeconfig),
            directory=str(directory / "node"),
            ready=str(self._ready(name)),
            cgroup=self._group_name(name),
            network=subnet,
            site_network=net.pods,
            gateway=net.gateway,
            namespace_prefix=f"is{self._block.id}",
            image=ProcessImage(
                entrypoint=(sys.executable, "-m", "cli"),
                working_directory=str(CODE),
                environ={"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"},
            ),
            # keys of both clusters, what Pulumi keeps, the database's files: no business of a pod's
            hidden=(
                str(self._files.all),
                str(self._files.home / "pulumi"),
                str(database_home(net)),
            ),
            labels=labels,
            taints=pool.taints,
            cpu_millicores=pool.cpu_millicores,
            memory_mib=pool.memory_mib,
            pods_max=pool.pods_max,
        )
        write_whole(directory / SETTINGS, msgspec.json.format(msgspec.json.encode(settings)))
        self.start(name)

    def start(self, name: str) -> None:
        """Start the agent of a node whose settings are there."""
        self._ready(name).unlink(missing_ok=True)  # what an agent that is gone has said
        start_process(
            Launch(
                argv=inside(
                    self._block.site(self._site).namespace,
                    sys.executable, "-m", "local.agent", "--settings",
                    str(self._files.agents / name / SETTINGS),
                ),
                environ={MARK: self._files.mark},
                cwd=str(CODE),
                log=str(self._files.logs / f"agent-{name}.log"),
            )
        )  # fmt: skip

    def is_ready(self, name: str) -> bool:
        """Whether the agent that runs now keeps its node: the API server may still believe a dead one."""
        return self._ready(name).exists()

    def _ready(self, name: str) -> Path:
        return self._files.agents / name / "ready.json"

    def end(self, name: str) -> None:
        """End a node at once, agent, pods, their namespaces and files. Raises `OSError`, `NetworkError`."""
        process = self.running().get(name)
        if process:
            end_processes([process], signum=signal.SIGKILL, grace_s=END_S)
        end_group(
            Cgroup(self._groups, self._group_name(name)), namespace_prefix=f"is{self._block.id}"
        )
        unmount_below(self._files.agents / name)
        shutil.rmtree(self._files.agents / name, ignore_errors=True)

    def _group_name(self, name: str) -> str:
        return f"{self._block.cgroup}/{self._site}/{name}"


def end_group(group: Cgroup, *, namespace_prefix: str) -> None:
    """Kill everything in a node's group and take away its pods' namespaces and the group itself."""
    pods = [it.name for it in group.path.iterdir() if it.is_dir()] if group.path.is_dir() else []
    group.kill()
    group.wait_empty(timeout_s=END_S)
    for uid in pods:
        remove(f"{namespace_prefix}-{uid[:8]}")
    group.remove()


def unmount_below(directory: Path) -> None:
    """Unmount whatever is mounted under a directory, the innermost first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4].replace("\\040", " ") for line in lines]
    below = [it for it in points if Path(it).is_relative_to(directory.resolve())]
    for point in reversed(below):
        subprocess.run(["umount", "-l", point], check=False, capture_output=True)  # noqa: S607 - of the system
