"""A cluster taken away, whatever state it is in: processes first, then namespaces, control groups, files."""

import contextlib
import ipaddress
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from contracts.cluster import Site
from local.agent_cgroup import Cgroup, Hierarchies
from local.clusters_agents import end_group, unmount_below
from local.clusters_block import Block, environment_id, other
from local.clusters_network import (
    addresses,
    exists,
    namespaces,
    processes_in,
    remove,
    remove_interface,
)
from local.clusters_state import ClusterFiles
from local.clusters_stores import end_left, remove_data
from runtime.processes import end_processes, marked_processes

ROUNDS_MAX = 20
"""A process may start another while we look; it cannot do so for ever."""
END_S = 10.0
POLL_S = 0.02


class StaysError(Exception):
    """Something of a cluster cannot be taken away: what, fix."""


class Ending:
    """The end of one cluster."""

    def __init__(self, files: ClusterFiles, site: Site, groups: Hierarchies | None) -> None:
        self._files, self._groups = files, groups
        self._site: Site = site
        # names follow from checkout and environment alone, so that they are found when every file is lost
        identity = environment_id(str(files.checkout), files.environment.name)
        self._block = files.read_block() or Block(base=0, id=identity)
        self._net = self._block.site(site)
        self._group = Cgroup(groups, f"{self._block.cgroup}/{site}") if groups else None

    def run(self) -> None:
        """Take all of it away; nothing there is nothing to do. Raises `StaysError`, `NetworkError`."""
        # from here on there is no cluster to come back to: its data goes piece by piece
        self._files.record_path.unlink(missing_ok=True)
        end_left(self._files.mark)
        self._end_processes()
        self._end_groups()
        for namespace in self._pod_namespaces():
            _empty(namespace)
            remove(namespace)
        if exists(self._net.namespace):
            _empty(self._net.namespace)
        remove(self._net.namespace)
        remove_interface(self._net.root_interface)
        unmount_below(self._files.site)
        with self._files.network_lock():
            try:
                remove_data(self._net)
                self._files.remove()
            except OSError as error:
                raise StaysError(
                    f"{self._files.site}: cannot be removed ({error}); expected nothing to be left. "
                    "fix: see what is mounted or open there, then delete again"
                ) from error

    def _end_processes(self) -> None:
        """By mark; agents and pods by their control group, which catches what has no mark."""
        for _ in range(ROUNDS_MAX):
            if self._group:
                self._group.kill()
            left = marked_processes(self._files.mark)
            if not left:
                return
            # an API server does not stop for SIGTERM once its etcd is gone
            end_processes(left, signum=signal.SIGKILL, grace_s=END_S)
        names = ", ".join(str(it.pid) for it in marked_processes(self._files.mark))
        if names:
            raise StaysError(
                f"processes {names} do not end; fix: see ps -f {names}, then delete again"
            )

    def _end_groups(self) -> None:
        if self._groups is None or self._group is None:
            return
        group = self._group
        for node in group.path.iterdir() if group.path.is_dir() else ():
            if node.is_dir():
                end_group(group.child(node.name), namespace_prefix=f"is{self._block.id}")
        group.remove()
        for directory in Cgroup(self._groups, self._block.cgroup).directories():
            with contextlib.suppress(OSError):  # the other site's are in it
                directory.rmdir()

    def _pod_namespaces(self) -> Iterator[str]:
        """Those of this site; once the other site is gone, all: nobody else may have the name."""
        peer = self._block.site(other(self._site))
        alone = not exists(peer.namespace)
        theirs = ipaddress.IPv4Network(peer.pods if self._block.base else "0.0.0.0/32")
        for name in namespaces(f"is{re.escape(self._block.id)}-[0-9a-f]{{8}}"):
            inside = [ipaddress.IPv4Address(it) for it in addresses(name)]
            # one without an address may be a pod's of the other site that is just being made
            if alone or (inside and not any(it in theirs for it in inside)):
                yield name


def _empty(namespace: str) -> None:
    """End what is still inside a namespace of ours: it would hold it, and its interfaces, without its name."""
    deadline = time.monotonic() + END_S
    while pids := [pid for pid in processes_in(namespace) if Path(f"/proc/{pid}").exists()]:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise StaysError(
                f"{namespace}: processes {pids} do not end; fix: see ps -f, then delete again"
            )
        time.sleep(POLL_S)
