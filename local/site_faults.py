"""Faults of local clusters: `python -m local.site_faults OPERATION --root DIR --environment ENV [--json]`, as root.

The link between the sites: `cut`, `cut-one-way`, `cap`, `lose`, `delay`, `heal`. Process nodes: `kill-nodes`,
`freeze-nodes`, `thaw-nodes`, `start-nodes`. `status` changes nothing. Each is idempotent, looks afterwards, and says
what is in force; a fault of the link ends by itself after `--ttl` seconds. Healing what is gone is no error. Exit: 0 done, 2 the command line is wrong, 3 this machine or the cluster is not as needed.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast, get_args

import msgspec

from contracts.base import Contract
from contracts.cluster import Site
from local.clusters_block import Block, other
from local.clusters_ground import groups
from local.clusters_network import exists
from local.clusters_state import ClusterFiles
from local.site_delay import DelayOptions
from local.site_link import FaultError, fault_in, heal_link, set_fault
from local.site_nodes import NodeError, NodeState, SiteNodes, StuckError
from local.site_rules import TTL_S_MAX, Kind, LinkFault
from local.site_slow import delay_of, end_delay, hardware_address, start_delay
from runtime.locks import LockHeldError

USAGE, ENVIRONMENT = 2, 3
TTL_S = 900
DELAY_MS_MAX = 10_000
Direction = Literal["both", "to-public", "to-private", "new-to-public", "new-to-private"]
LinkOperation = Literal["cut", "cut-one-way", "cap", "lose"]
NodeOperation = Literal["kill-nodes", "freeze-nodes", "thaw-nodes", "start-nodes"]


class SiteFaults(Contract, frozen=True, kw_only=True):
    """What is in force: by the site that receives, or that sends for a delay; and every process node, by site."""

    schema: int = 1
    environment: str
    link: dict[Site, LinkFault]
    delay_ms: dict[Site, int]
    nodes: dict[Site, dict[str, NodeState]]
    changed: tuple[str, ...] = ()


class UsageError(Exception):
    """The command line asks for what there is not: what, expected."""


class GoneError(Exception):
    """There is no such environment, or not both its sites: which, fix."""


class Ground:
    """An environment as it is on this machine; nothing of it need be there."""

    def __init__(self, root: Path, environment: str) -> None:
        self.root, self.environment = root, environment
        self.block: Block | None = ClusterFiles(root, environment, "public").read_block()

    def sites(self) -> tuple[Site, ...]:
        """Those whose network is there."""
        block = self.block
        if block is None:
            return ()
        return tuple(it for it in get_args(Site) if exists(block.site(it).namespace))

    def namespace(self, site: Site) -> str:
        """Of a site that is there. Raises `GoneError`."""
        if self.block is None or site not in self.sites():
            raise GoneError(
                f"environment {self.environment}, site {site}: no such network on this machine; "
                f"expected one of {self.root}. fix: isthmus up {self.environment}"
            )
        return self.block.site(site).namespace

    def nodes(self, site: Site) -> SiteNodes:
        """Its process nodes. Raises `GoneError`."""
        self.namespace(site)
        found = groups()
        if self.block is None or found is None:
            raise GoneError("no cgroup v2 hierarchy; expected one, as for every process node")
        files = ClusterFiles(self.root, self.environment, site)
        return SiteNodes(files, self.block, site=site, groups=found)


def status(ground: Ground, changed: Sequence[str] = ()) -> SiteFaults:
    """What is in force now. Raises `FaultError`."""
    sites = ground.sites()
    faults: dict[Site, LinkFault] = {}
    delays: dict[Site, int] = {}
    for site in sites:
        if fault := fault_in(ground.namespace(site)):
            faults[site] = fault
        if delay := delay_of(ground.namespace(site)):
            delays[site] = delay.delay_ms
    return SiteFaults(
        environment=ground.environment,
        link=faults,
        delay_ms=delays,
        nodes={it: ground.nodes(it).states() for it in sites} if groups() else {},
        changed=tuple(changed),
    )


def receivers(direction: Direction) -> tuple[tuple[Site, ...], bool]:
    """Which sites no longer receive, and whether only new connections are meant."""
    if direction == "both":
        return get_args(Site), False
    site = cast("Site", direction.rpartition("-")[2])
    return (site,), direction.startswith("new-")


def fault_link(ground: Ground, fault: LinkFault, direction: Direction) -> SiteFaults:
    """Put a fault on the link, in place of whatever was on it. Raises `FaultError`, `GoneError`."""
    sites, _ = receivers(direction)
    namespaces = {it: ground.namespace(it) for it in get_args(Site)}
    for site in sites:
        set_fault(namespaces[site], fault)
    for site in set(namespaces) - set(sites):
        heal_link(namespaces[site])
    now = status(ground, sites)
    if any(site not in now.link or now.link[site].kind != fault.kind for site in sites):
        raise FaultError(f"{fault.kind} {direction}: not in force after it was set")
    return now


def heal(ground: Ground) -> SiteFaults:
    """Take back every fault of the link there is. Raises `FaultError`."""
    before = status(ground)
    for site in ground.sites():
        heal_link(ground.namespace(site))
        end_delay(ground.namespace(site))
    now = status(ground, sorted({*before.link, *before.delay_ms}))
    if now.link or now.delay_ms:
        raise FaultError(f"still in force after it was healed: {now.link} {now.delay_ms}")
    return now


def delay_link(
    ground: Ground, *, delay_ms: int, jitter_ms: int, direction: Direction, ttl_s: int
) -> SiteFaults:
    """Delay what goes in a direction, in place of an earlier delay. Raises `FaultError`, `GoneError`."""
    sites, only_new = receivers(direction)
    if only_new:
        raise UsageError(f"--direction {direction}: expected both, to-public or to-private")
    for site in get_args(Site):
        end_delay(ground.namespace(site))
    for site in sites:
        sender = other(site)
        namespace, receiver = ground.namespace(sender), ground.namespace(site)
        if ground.block is None:
            break
        options = DelayOptions(
            namespace=namespace, network=ground.block.site(site).pods,
            source=ground.block.site(sender).link, peer=hardware_address(receiver),
            delay_ms=delay_ms, jitter_ms=jitter_ms, ttl_s=ttl_s,
        )  # fmt: skip
        files = ClusterFiles(ground.root, ground.environment, sender)
        start_delay(options, mark=files.mark, log=files.logs / "delay.log")
    return status(ground, sites)


def fault_nodes(
    ground: Ground, operation: NodeOperation, *, site: Site, names: Sequence[str], lost: bool
) -> SiteFaults:
    """Do it to every one named, or to none. Raises `NodeError`, `StuckError`, `GoneError`, `LockHeldError`."""
    nodes = ground.nodes(site)
    nodes.check(names)
    match operation:
        case "kill-nodes":
            changed = nodes.kill(names, lost=lost)
        case "start-nodes":
            changed = nodes.start(names)
        case "freeze-nodes" | "thaw-nodes":
            changed = nodes.freeze(names, frozen=operation == "freeze-nodes")
    return status(ground, changed)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--root", required=True, type=Path, help="the checkout")
    common.add_argument("--environment", required=True)
    common.add_argument("--json", action="store_true", help="the state on stdout as JSON")
    made = argparse.ArgumentParser(prog="python -m local.site_faults", description=__doc__)
    operations = made.add_subparsers(dest="operation", required=True)
    for name in ("status", "heal"):
        operations.add_parser(name, parents=[common])
    for name in (*get_args(LinkOperation), "delay"):
        one = operations.add_parser(name, parents=[common])
        directions = get_args(Direction)[1 if name == "cut-one-way" else 0 :]
        usual = None if name == "cut-one-way" else "both"
        one.add_argument("--direction", choices=directions, default=usual, required=usual is None)
        one.add_argument("--ttl", type=int, default=TTL_S, help=f"seconds (default {TTL_S})")
    operations.choices["cap"].add_argument("--kib-per-s", type=int, required=True, dest="size")
    operations.choices["lose"].add_argument("--per-mille", type=int, required=True, dest="size")
    operations.choices["delay"].add_argument("--ms", type=int, required=True, dest="size")
    operations.choices["delay"].add_argument("--jitter-ms", type=int, default=0)
    for name in get_args(NodeOperation):
        one = operations.add_parser(name, parents=[common])
        one.add_argument("--site", choices=get_args(Site), default="public")
        one.add_argument("--nodes", required=True, help="names, with commas between")
        if name == "kill-nodes":
            one.add_argument(
                "--lost", action="store_true", help="their pods' addresses fall silent"
            )
    return made


def perform(asked: argparse.Namespace) -> SiteFaults:
    """One operation. Raises `UsageError` and what the operations raise."""
    ground = Ground(asked.root, asked.environment)
    operation: str = asked.operation
    match operation:
        case "status":
            return status(ground)
        case "heal":
            return heal(ground)
        case "delay":
            _check_ttl(asked.ttl)
            if not (0 < asked.size <= DELAY_MS_MAX and 0 <= asked.jitter_ms <= DELAY_MS_MAX):
                raise UsageError(
                    f"--ms {asked.size}: expected 1 to {DELAY_MS_MAX}, and as much jitter"
                )
            return delay_link(
                ground, delay_ms=asked.size, jitter_ms=asked.jitter_ms, direction=asked.direction,
                ttl_s=asked.ttl,
            )  # fmt: skip
        case "cut" | "cut-one-way" | "cap" | "lose":
            return fault_link(ground, _fault(asked), asked.direction)
        case _:
            names = [it for it in asked.nodes.split(",") if it]
            if not names:
                raise UsageError("--nodes: expected at least one name")
            lost = operation == "kill-nodes" and asked.lost
            return fault_nodes(
                ground, cast("NodeOperation", operation), site=asked.site, names=names, lost=lost
            )


def _fault(asked: argparse.Namespace) -> LinkFault:
    _, only_new = receivers(asked.direction)
    plain = asked.operation in {"cut", "cut-one-way"}
    if only_new and not plain:
        raise UsageError(f"--direction {asked.direction}: only a cut can be of new connections")
    kind: Kind = ("cut-new" if only_new else "cut") if plain else asked.operation
    _check_ttl(asked.ttl)
    size = 1 if plain else asked.size
    if size < 1 or (kind == "lose" and size > 1000):
        raise UsageError(
            f"{asked.operation} {size}: expected at least 1, and at most 1000 per mille"
        )
    return LinkFault(kind=kind, size=size, left_s=asked.ttl)


def _check_ttl(ttl_s: int) -> None:
    if not 0 < ttl_s <= TTL_S_MAX:
        raise UsageError(f"--ttl {ttl_s}: expected 1 to {TTL_S_MAX} seconds")


def main(argv: list[str] | None = None) -> int:
    """Run one operation; returns the exit code."""
    asked = parser().parse_args(argv)
    try:
        now = perform(asked)
    except (UsageError, NodeError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    except (FaultError, GoneError, StuckError, LockHeldError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return ENVIRONMENT
    sys.stdout.write(msgspec.json.encode(now).decode() + "\n" if asked.json else _text(now))
    return 0


def _text(now: SiteFaults) -> str:
    lines = [
        f"to {site}: {it.kind} {it.size if it.kind in {'cap', 'lose'} else ''}, {it.left_s} s left"
        for site, it in now.link.items()
    ]
    lines += [f"from {site}: {delay} ms later" for site, delay in now.delay_ms.items()]
    lines += [
        f"{site}/{name}: {state}"
        for site, nodes in now.nodes.items()
        for name, state in sorted(nodes.items())
        if state != "running"
    ]
    return "\n".join(lines or [f"{now.environment}: no fault in force"]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
