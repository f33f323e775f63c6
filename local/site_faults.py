"""Faults of local clusters: `python -m local.site_faults OPERATION --root DIR --environment ENV [--json]`, as root.

The link between the sites: `cut`, `cut-one-way`, `cap`, `lose`, `delay`, `heal`. Process nodes: `kill-nodes`,
`freeze-nodes`, `thaw-nodes`, `start-nodes`. API servers: `freeze-api`, `thaw-api`. `heal` is of the link alone,
`heal-all` of everything, dead nodes too. `status` changes nothing. Each is idempotent, looks afterwards, and says
what is in force; a fault of the link ends by itself after `--ttl` seconds. Healing what is gone is no error.
Exit: 0 done, 2 the command line is wrong, 3 this machine or the cluster is not as needed.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast, get_args

import msgspec

from contracts.base import Contract
from contracts.cluster import Site
from local.clusters_block import Block, other
from local.clusters_ground import groups
from local.clusters_network import exists
from local.clusters_state import ClusterFiles
from local.site_control import ApiState, api_state, freeze_api
from local.site_delay import DelayOptions
from local.site_link import FaultError, fault_in, heal_link, set_fault
from local.site_nodes import NodeError, NodeState, SiteNodes, StuckError
from local.site_rules import LinkFault
from local.site_slow import delay_of, end_delay, hardware_address, start_delay
from local.site_words import (
    Direction,
    NodeOperation,
    UsageError,
    check_delay,
    parser,
    read_fault,
    read_nodes,
    receivers,
)
from runtime.locks import LockHeldError

USAGE, ENVIRONMENT = 2, 3


class SiteFaults(Contract, frozen=True, kw_only=True):
    """What is in force: by the site that receives, or that sends for a delay; and every process node, by site."""

    schema: int = 1
    environment: str
    link: dict[Site, LinkFault]
    delay_ms: dict[Site, int]
    nodes: dict[Site, dict[str, NodeState]]
    api: dict[Site, ApiState]
    changed: tuple[str, ...] = ()


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

    def files(self, site: Site) -> ClusterFiles:
        """What is on disk of its cluster."""
        return ClusterFiles(self.root, self.environment, site)

    def nodes(self, site: Site) -> SiteNodes:
        """Its process nodes. Raises `GoneError`."""
        self.namespace(site)
        found = groups()
        if self.block is None or found is None:
            raise GoneError("no cgroup v2 hierarchy; expected one, as for every process node")
        return SiteNodes(self.files(site), self.block, site=site, groups=found)


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
        api={it: api_state(ground.files(it)) for it in sites},
        changed=tuple(changed),
    )


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
    sites, _ = receivers(direction)
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
        files = ground.files(sender)
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


def freeze_site_api(ground: Ground, site: Site, *, frozen: bool) -> SiteFaults:
    """Stop a site's API server where it stands, or let it go on. Raises `GoneError`."""
    ground.namespace(site)
    changed = freeze_api(ground.files(site), frozen=frozen)
    return status(ground, (f"{site} API",) if changed else ())


def heal_all(ground: Ground) -> SiteFaults:
    """Take back every fault of the environment: the link's, what is frozen, nodes that are dead."""
    changed = list(heal(ground).changed)
    for site in ground.sites():
        if freeze_api(ground.files(site), frozen=False):
            changed.append(f"{site} API")
        if groups():
            nodes = ground.nodes(site)
            states = nodes.states()
            changed += nodes.freeze(states, frozen=False)
            if dead := [name for name, state in states.items() if state == "dead"]:
                changed += nodes.start(dead)
    return status(ground, changed)


def perform(asked: argparse.Namespace) -> SiteFaults:
    """One operation. Raises `UsageError` and what the operations raise."""
    ground = Ground(asked.root, asked.environment)
    operation: str = asked.operation
    whole: dict[str, Callable[[Ground], SiteFaults]] = {
        "status": status, "heal": heal, "heal-all": heal_all,
    }  # fmt: skip
    if operation in whole:
        return whole[operation](ground)
    match operation:
        case "delay":
            check_delay(asked)
            return delay_link(
                ground, delay_ms=asked.size, jitter_ms=asked.jitter_ms, direction=asked.direction,
                ttl_s=asked.ttl,
            )  # fmt: skip
        case "cut" | "cut-one-way" | "cap" | "lose":
            return fault_link(ground, read_fault(asked), asked.direction)
        case "freeze-api" | "thaw-api":
            return freeze_site_api(ground, asked.site, frozen=operation == "freeze-api")
        case _:
            return fault_nodes(
                ground, cast("NodeOperation", operation), site=asked.site, names=read_nodes(asked),
                lost=operation == "kill-nodes" and asked.lost,
            )  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run one operation; returns the exit code."""
    asked = parser(__doc__).parse_args(argv)
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
    lines += [f"{site}: API server {it}" for site, it in now.api.items() if it != "running"]
    return "\n".join(lines or [f"{now.environment}: no fault in force"]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
