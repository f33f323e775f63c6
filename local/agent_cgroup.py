"""Control groups of nodes and pods: one v2 directory each, limits where the machine has the controllers.

On machines with the hybrid layout the v2 hierarchy lacks cpu and memory: those limits then go into the v1
hierarchies under the same relative path. Killing is always v2's `cgroup.kill`: it catches every descendant, which
a process group does not.
"""

import contextlib
import os
import time
from pathlib import Path

import msgspec

MOUNTS = Path("/proc/self/mountinfo")
POLL_S = 0.005
CPU_PERIOD_US = 100_000
"""The kernel's default period."""


class CgroupError(Exception):
    """This machine has no cgroup v2 hierarchy, or it is not ours to write."""


class Hierarchies(msgspec.Struct, frozen=True, kw_only=True):
    """Mount points: v2, and the v1 hierarchies of controllers that v2 does not have (empty: none)."""

    unified: str
    cpu: str = ""
    memory: str = ""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a group used: CPU seconds since it was made, resident bytes now."""

    cpu_s: float
    memory_bytes: int


def parse_mounts(mountinfo: str, *, controllers: str) -> Hierarchies:
    """Find the hierarchies in /proc/self/mountinfo; `controllers` are those of v2. Raises `CgroupError`."""
    unified, legacy = "", dict[str, str]()
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.partition(" ")
        point = left.split()[4]
        if kind == "cgroup2":
            unified = unified or point
        elif kind == "cgroup":
            for option in options.split()[-1].split(","):
                legacy.setdefault(option, point)
    if not unified:
        raise CgroupError("no cgroup2 in /proc/self/mountinfo; expected cgroup v2 to be mounted")
    had = controllers.split()
    return Hierarchies(
        unified=unified,
        cpu="" if "cpu" in had else legacy.get("cpu", ""),
        memory="" if "memory" in had else legacy.get("memory", ""),
    )


def find_hierarchies() -> Hierarchies:
    """The hierarchies of this machine. Raises `CgroupError`."""
    text = MOUNTS.read_text()
    point = parse_mounts(text, controllers="").unified
    return parse_mounts(text, controllers=Path(point, "cgroup.controllers").read_text())


def limit_writes(
    hierarchies: Hierarchies, relative: str, *, cpu_millicores: int, memory_bytes: int
) -> list[tuple[str, str]]:
    """Files and what to write into them; 0 is no limit."""
    quota = cpu_millicores * CPU_PERIOD_US // 1000
    writes: list[tuple[str, str]] = []
    if cpu_millicores and hierarchies.cpu:
        base = f"{hierarchies.cpu}/{relative}"
        writes.append((f"{base}/cpu.cfs_quota_us", str(max(1000, quota))))
    elif cpu_millicores:
        base = f"{hierarchies.unified}/{relative}"
        writes.append((f"{base}/cpu.max", f"{max(1000, quota)} {CPU_PERIOD_US}"))
    if memory_bytes and hierarchies.memory:
        base = f"{hierarchies.memory}/{relative}"
        writes.append((f"{base}/memory.limit_in_bytes", str(memory_bytes)))
    elif memory_bytes:
        writes.append((f"{hierarchies.unified}/{relative}/memory.max", str(memory_bytes)))
    return writes


class Cgroup:
    """One group, by its path relative to every hierarchy's mount point."""

    def __init__(self, hierarchies: Hierarchies, relative: str) -> None:
        self.hierarchies = hierarchies
        self.relative = relative
        self.path = Path(hierarchies.unified, relative)

    def child(self, name: str) -> "Cgroup":
        """The group below."""
        return Cgroup(self.hierarchies, f"{self.relative}/{name}")

    def directories(self) -> list[Path]:
        """This group in every hierarchy used; v2 first."""
        points = (self.hierarchies.unified, self.hierarchies.cpu, self.hierarchies.memory)
        return [Path(point, self.relative) for point in points if point]

    def make(self, *, cpu_millicores: int = 0, memory_bytes: int = 0) -> None:
        """Make it and its parents, and set limits. Raises `OSError`."""
        for directory in self.directories():
            directory.mkdir(parents=True, exist_ok=True)
        self._delegate()
        for file, value in limit_writes(
            self.hierarchies,
            self.relative,
            cpu_millicores=cpu_millicores,
            memory_bytes=memory_bytes,
        ):
            # v2 without the controller in the parent has no such file: then there is no limit to set
            with contextlib.suppress(FileNotFoundError, PermissionError):
                Path(file).write_text(value)

    def _delegate(self) -> None:
        root = Path(self.hierarchies.unified)
        for parent in reversed([root, *self._parents()]) if self._needs_v2() else ():
            with contextlib.suppress(
                OSError
            ):  # a parent with processes of its own cannot pass them on
                (parent / "cgroup.subtree_control").write_text("+cpu +memory")

    def _needs_v2(self) -> bool:
        return not (self.hierarchies.cpu and self.hierarchies.memory)

    def _parents(self) -> list[Path]:
        root = Path(self.hierarchies.unified)
        return [it for it in self.path.parents if it != root and it.is_relative_to(root)]

    def join_files(self) -> list[str]:
        """Files into which a process writes `0` to move itself here."""
        return [str(directory / "cgroup.procs") for directory in self.directories()]

    def join(self) -> None:
        """Move this process here. Raises `OSError`."""
        for file in self.join_files():
            Path(file).write_text(str(os.getpid()))

    def processes(self) -> list[int]:
        """Pids in this very group, not below."""
        try:
            return [int(line) for line in (self.path / "cgroup.procs").read_text().split()]
        except OSError:  # gone, or being removed
            return []

    def is_populated(self) -> bool:
        """Whether a process lives here or below."""
        try:
            return "populated 1" in (self.path / "cgroup.events").read_text()
        except OSError:
            return False

    def kill(self) -> None:
        """SIGKILL everything here and below, at once."""
        with contextlib.suppress(FileNotFoundError, OSError):
            (self.path / "cgroup.kill").write_text("1")

    def wait_empty(self, *, timeout_s: float) -> bool:
        """Wait until nothing lives here; blocks for milliseconds after a kill."""
        deadline = time.monotonic() + timeout_s
        while self.is_populated():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def remove(self) -> None:
        """Remove it and what is below; a populated group stays. Children first, in every hierarchy."""
        for base in self.directories():
            below = [path for path in base.rglob("*") if path.is_dir()] if base.is_dir() else []
            for path in sorted([base, *below], key=lambda it: len(it.parts), reverse=True):
                with contextlib.suppress(OSError):
                    path.rmdir()

    def usage(self) -> Usage:
        """What it uses, from files that exist without any controller."""
        try:
            words = (self.path / "cpu.stat").read_text().split()
            cpu_s = int(words[words.index("usage_usec") + 1]) / 1e6
        except (OSError, ValueError):
            cpu_s = 0.0
        pids = [pid for path in (self.path, *_below(self.path)) for pid in _pids(path)]
        return Usage(cpu_s=cpu_s, memory_bytes=sum(_resident(pid) for pid in pids))

    def was_out_of_memory(self) -> bool:
        """Whether the kernel killed something here for want of memory."""
        for base, name in (
            (self.hierarchies.memory, "memory.oom_control"),
            (self.hierarchies.unified, "memory.events"),
        ):
            with contextlib.suppress(OSError, ValueError, IndexError):
                words = Path(base, self.relative, name).read_text().split()
                return int(words[words.index("oom_kill") + 1]) > 0
        return False


def _below(path: Path) -> list[Path]:
    return [it for it in path.rglob("*") if it.is_dir()] if path.is_dir() else []


def _pids(path: Path) -> list[int]:
    try:
        return [int(line) for line in (path / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def kill_node(hierarchies: Hierarchies, relative: str) -> bool:
    """Node death: agent and pods at once, as when its power goes; False when there is no such node."""
    group = Cgroup(hierarchies, relative)
    existed = group.path.is_dir()
    group.kill()
    return existed
