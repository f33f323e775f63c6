"""The faults of a site link set, read and taken back in the sites' network namespaces, with `nft`."""

import subprocess

from local.clusters_network import inside
from local.site_rules import (
    TABLE,
    LinkFault,
    fault_ruleset,
    heal_ruleset,
    read_fault,
    tracking_ruleset,
)

COMMAND_S = 10.0


class FaultError(Exception):
    """The fault could not be set or taken back: the command, what it said."""


def _run(namespace: str, *command: str, text: str = "") -> bytes:
    argv = inside(namespace, *command)
    try:
        done = subprocess.run(
            argv, input=text.encode(), capture_output=True, timeout=COMMAND_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FaultError(f"{' '.join(argv)}: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise FaultError(
            f"{' '.join(argv)}: {said}; expected the namespace of a site and nftables "
            "(fix: isthmus up the environment, apt-get install nftables)"
        )
    return done.stdout


def load(namespace: str, script: str) -> None:
    """Load a script inside a site's namespace, all or nothing. Raises `FaultError`."""
    _run(namespace, "nft", "-f", "-", text=script)


def track_link(namespace: str) -> None:
    """Have connections over the link followed from now on; once or often. Raises `FaultError`."""
    load(namespace, tracking_ruleset())


def set_fault(namespace: str, fault: LinkFault) -> None:
    """Put a fault on what this site receives, in place of an earlier one. Raises `FaultError`."""
    load(namespace, fault_ruleset(fault))


def heal_link(namespace: str) -> None:
    """Take every fault of this site's link back. Raises `FaultError`."""
    load(namespace, heal_ruleset())


def fault_in(namespace: str) -> LinkFault | None:
    """The fault in force on what this site receives. Raises `FaultError`."""
    tables = _run(namespace, "nft", "list", "tables").decode().splitlines()
    if f"table {TABLE}" not in tables:
        return None
    return read_fault(_run(namespace, "nft", "-j", "list", "table", *TABLE.split()))
