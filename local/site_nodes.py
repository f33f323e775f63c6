"""Process nodes killed, frozen and brought back: by their control group, as when the power of a machine goes.

A killed node's addresses stay unless it is lost: then its pods' links go down too, and whoever calls them hears
nothing, where a mere kill answers with a reset. A frozen node answers nothing and dies of nothing.
"""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from contracts.cluster import Site
from local.agent_cgroup import Cgroup, Hierarchies
from local.clusters_agents import Agents
from local.clusters_block import Block
from local.clusters_network import inside
from local.clusters_state import ClusterFiles

NodeState = Literal["running", "frozen", "dead"]
END_S = 5.0
FREEZE_S = 2.0
POLL_S = 0.005


class NodeError(Exception):
    """There is no such node: which, which there are."""


class StuckError(Exception):
    """A node did not do what the kernel was told: which."""


class SiteNodes:
    """The process nodes of one site."""

    def __init__(
        self, files: ClusterFiles, block: Block, *, site: Site, groups: Hierarchies
    ) -> None:
        self._files, self._site = files, site
        self._namespace = block.site(site).namespace
        self._agents = Agents(files, block, site=site, groups=groups)
        self._site_group = Cgroup(groups, f"{block.cgroup}/{site}")

    def states(self) -> dict[str, NodeState]:
        """Every process node of the site."""
        running = self._agents.running()
        return {
            name: ("frozen" if self._is_frozen(name) else "running") if name in running else "dead"
            for name in self._agents.settings()
        }

    def check(self, names: Iterable[str]) -> None:
        """Raises `NodeError` for a name that is no process node of the site."""
        known = self._agents.settings()
        missing = [name for name in names if name not in known]
        if missing:
            raise NodeError(
                f"{', '.join(missing)}: no process node of site {self._site}; "
                f"expected some of {', '.join(sorted(known)) or 'none: the site has no process node'}"
            )

    def kill(self, names: Iterable[str], *, lost: bool) -> tuple[str, ...]:
        """Node death, all at once; those that lived. Raises `StuckError`."""
        groups = {name: self._site_group.child(name) for name in names}
        lived = tuple(name for name, group in groups.items() if group.is_populated())
        for group in groups.values():
            if lost:
                self._silence(group)
            group.kill()
        for name, group in groups.items():
            _write(group, "0")  # a group that was frozen when it died must not freeze its successor
            if not group.wait_empty(timeout_s=END_S):
                raise StuckError(f"{name}: processes left in {group.path} after cgroup.kill")
        return lived

    def _silence(self, group: Cgroup) -> None:
        """Take down the links of a node's pods; a pod whose link is gone already is silent."""
        for pod in group.path.iterdir() if group.path.is_dir() else ():
            link = f"isv{pod.name.replace('-', '')[:8]}"
            if pod.is_dir() and pod.name != "agent":
                argv = inside(self._namespace, "ip", "link", "set", link, "down")
                subprocess.run(argv, check=False, capture_output=True, timeout=END_S)

    def start(self, names: Iterable[str]) -> tuple[str, ...]:
        """Start the agents of those that are dead; which. Raises `LockHeldError`, `OSError`."""
        with self._files.site_lock():  # an apply would start them too
            running = self._agents.running()
            dead = tuple(name for name in names if name not in running)
            for name in dead:
                self._agents.start(name)
        return dead

    def freeze(self, names: Iterable[str], *, frozen: bool) -> tuple[str, ...]:
        """Stop nodes where they stand, or let them go on; which changed. Raises `StuckError`."""
        changed: list[str] = []
        for name in names:
            group = self._site_group.child(name)
            if self._is_frozen(name) == frozen or not group.path.is_dir():
                continue
            _write(group, str(int(frozen)))
            if not _wait(lambda name=name: self._is_frozen(name) == frozen, FREEZE_S):
                raise StuckError(f"{name}: {group.path / 'cgroup.freeze'} has no effect")
            changed.append(name)
        return tuple(changed)

    def _is_frozen(self, name: str) -> bool:
        with contextlib.suppress(OSError):
            events = Path(self._site_group.child(name).path, "cgroup.events").read_text()
            return "frozen 1" in events
        return False


def _write(group: Cgroup, value: str) -> None:
    with contextlib.suppress(OSError):
        (group.path / "cgroup.freeze").write_text(value)


def _wait(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(POLL_S)
    return True
