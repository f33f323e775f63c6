"""The faults of a site link set, read and taken back in the sites' network namespaces, with `nft` and `tc`."""

import contextlib
import subprocess
from pathlib import Path

import msgspec

from local.site_rules import (
    LINK,
    TABLE,
    LinkFault,
    fault_ruleset,
    heal_ruleset,
    read_fault,
    tracking_ruleset,
)

COMMAND_S = 10.0
NAMES = Path("/run/netns")


class FaultError(Exception):
    """The fault could not be set or taken back: the command, what it said."""


def _run(namespace: str, *command: str, text: str = "") -> bytes:
    argv = ("nsenter", f"--net={NAMES / namespace}", *command)
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
    if read_delay_ms(namespace):
        _run(namespace, "tc", "qdisc", "del", "dev", LINK, "root")


def fault_in(namespace: str) -> LinkFault | None:
    """The fault in force on what this site receives. Raises `FaultError`."""
    tables = _run(namespace, "nft", "list", "tables").decode().splitlines()
    if f"table {TABLE}" not in tables:
        return None
    return read_fault(_run(namespace, "nft", "-j", "list", "table", *TABLE.split()))


class _Delay(msgspec.Struct, frozen=True):
    delay: float = 0.0


class _Options(msgspec.Struct, frozen=True):
    delay: _Delay = _Delay()


class _Discipline(msgspec.Struct, frozen=True):
    kind: str = ""
    options: _Options = _Options()


def set_delay(namespace: str, *, delay_ms: int) -> None:
    """Delay what this site sends; the kernel must have netem, and ends it by nobody's clock. Raises `FaultError`."""
    try:
        _run(
            namespace, "tc", "qdisc", "replace", "dev", LINK, "root", "netem", "delay", f"{delay_ms}ms",
            "limit", "100000",
        )  # fmt: skip
    except FaultError as error:
        if "unknown" not in str(error):
            raise
        raise FaultError(
            f"{namespace}: this kernel has no netem (CONFIG_NET_SCH_NETEM); expected it for a delay. "
            "fix: use `cap` or `lose`, which need none, or the relay's delay on Tier 0"
        ) from error


def read_delay_ms(namespace: str) -> int:
    """The delay in force on what this site sends; 0 without one."""
    with contextlib.suppress(FaultError, msgspec.MsgspecError):
        told = _run(namespace, "tc", "-j", "qdisc", "show", "dev", LINK)
        for it in msgspec.json.decode(told, type=tuple[_Discipline, ...]):
            if it.kind == "netem":
                return round(it.options.delay.delay * 1000)
    return 0
