"""What a cluster needs of this machine before anything is touched: root, commands, engines, control groups."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from contracts.cluster import ClusterSpec
from local.agent_cgroup import CgroupError, Hierarchies, find_hierarchies
from local.clusters_agents import CODE
from local.clusters_kwok import COMPONENTS

COMMANDS = {
    "ip": "iproute2", "nft": "nftables", "nsenter": "util-linux", "sysctl": "procps", "umount": "mount",
}  # fmt: skip
"""Commands of the system and the Debian package each is in."""


class GroundError(Exception):
    """This machine lacks something: every lack with its fix, one a line."""


def require(spec: ClusterSpec, root: Path) -> Path:
    """The directory of engines, everything else being there too. Raises `GroundError`."""
    engines = engines_directory(root)
    problems = [*_machine_problems(), *_engine_problems(spec, engines)]
    if any(pool.runtime == "process" for pool in spec.pools) and groups() is None:
        problems.append(
            "process nodes: no cgroup v2 hierarchy; expected one to be mounted. "
            "fix: mount -t cgroup2 none /sys/fs/cgroup/unified, or use pools of runtime kwok"
        )
    if problems:
        raise GroundError("\n".join(problems))
    return engines


def require_machine() -> None:
    """What taking a cluster away needs. Raises `GroundError`."""
    problems = list(_machine_problems())
    if problems:
        raise GroundError("\n".join(problems))


def engines_directory(root: Path) -> Path:
    """`.isthmus/bin` of the checkout, or of the one this program is in where that one has none."""
    own = root.resolve() / ".isthmus" / "bin"
    return own if own.is_dir() else CODE / ".isthmus" / "bin"


def groups() -> Hierarchies | None:
    """The control groups of this machine, or None without cgroup v2."""
    try:
        return find_hierarchies()
    except (CgroupError, OSError):
        return None


def _machine_problems() -> Iterator[str]:
    if os.geteuid() != 0:
        yield (
            f"user {os.geteuid()} is not root; expected root: network namespaces and their links need it. "
            "fix: run it as root (sudo -E), or use Tier 0, which needs none: isthmus up local"
        )
    for name, package in COMMANDS.items():
        if shutil.which(name) is None:
            yield f"command {name}: not on PATH; expected it there. fix: apt-get install {package}"


def _engine_problems(spec: ClusterSpec, engines: Path) -> Iterator[str]:
    wanted = [*COMPONENTS, "kwokctl", "kubectl"]
    wanted += ["metrics-server"] if spec.metrics else []
    wanted += ["prometheus"] if spec.prometheus else []
    missing = [name for name in wanted if not os.access(engines / name, os.X_OK)]
    if missing:
        yield (
            f"{engines}: no {', '.join(missing)}; expected every engine of a local cluster there. "
            "fix: make toolchain (20 minutes, once), then isthmus doctor"
        )
