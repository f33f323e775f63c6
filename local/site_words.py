"""The words of `python -m local.site_faults`: its command line read and checked. Pure."""

import argparse
from pathlib import Path
from typing import Literal, cast, get_args

from contracts.cluster import Site
from local.site_rules import TTL_S_MAX, Kind, LinkFault

TTL_S = 900
DELAY_MS_MAX = 10_000
PER_MILLE = 1000
Direction = Literal["both", "to-public", "to-private", "new-to-public", "new-to-private"]
LinkOperation = Literal["cut", "cut-one-way", "cap", "lose"]
NodeOperation = Literal["kill-nodes", "freeze-nodes", "thaw-nodes", "start-nodes"]
ApiOperation = Literal["freeze-api", "thaw-api"]
WholeOperation = Literal["status", "heal", "heal-all"]


class UsageError(Exception):
    """The command line asks for what there is not: what, expected."""


def parser(description: str | None) -> argparse.ArgumentParser:
    """The command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--root", required=True, type=Path, help="the checkout")
    common.add_argument("--environment", required=True)
    common.add_argument("--json", action="store_true", help="the state on stdout as JSON")
    made = argparse.ArgumentParser(prog="python -m local.site_faults", description=description)
    operations = made.add_subparsers(dest="operation", required=True)
    for name in get_args(WholeOperation):
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
    for name in (*get_args(NodeOperation), *get_args(ApiOperation)):
        one = operations.add_parser(name, parents=[common])
        one.add_argument("--site", choices=get_args(Site), default="public")
        if name in get_args(NodeOperation):
            one.add_argument("--nodes", required=True, help="names, with commas between")
        if name == "kill-nodes":
            one.add_argument(
                "--lost", action="store_true", help="their pods' addresses fall silent"
            )
    return made


def receivers(direction: Direction) -> tuple[tuple[Site, ...], bool]:
    """Which sites no longer receive, and whether only new connections are meant."""
    if direction == "both":
        return get_args(Site), False
    site = cast("Site", direction.rpartition("-")[2])
    return (site,), direction.startswith("new-")


def read_fault(asked: argparse.Namespace) -> LinkFault:
    """The fault of a `LinkOperation`. Raises `UsageError`."""
    _, only_new = receivers(asked.direction)
    plain = asked.operation in {"cut", "cut-one-way"}
    if only_new and not plain:
        raise UsageError(f"--direction {asked.direction}: only a cut can be of new connections")
    kind: Kind = ("cut-new" if only_new else "cut") if plain else asked.operation
    _check_ttl(asked.ttl)
    size = 1 if plain else asked.size
    if size < 1 or (kind == "lose" and size > PER_MILLE):
        raise UsageError(
            f"{asked.operation} {size}: expected at least 1, and at most 1000 per mille"
        )
    return LinkFault(kind=kind, size=size, left_s=asked.ttl)


def check_delay(asked: argparse.Namespace) -> None:
    """Raises `UsageError`."""
    _check_ttl(asked.ttl)
    _, only_new = receivers(asked.direction)
    if only_new:
        raise UsageError(f"--direction {asked.direction}: expected both, to-public or to-private")
    if not (0 < asked.size <= DELAY_MS_MAX and 0 <= asked.jitter_ms <= DELAY_MS_MAX):
        raise UsageError(f"--ms {asked.size}: expected 1 to {DELAY_MS_MAX}, and as much jitter")


def read_nodes(asked: argparse.Namespace) -> list[str]:
    """The nodes of a `NodeOperation`. Raises `UsageError`."""
    names = [it for it in asked.nodes.split(",") if it]
    if not names:
        raise UsageError("--nodes: expected at least one name")
    return names


def _check_ttl(ttl_s: int) -> None:
    if not 0 < ttl_s <= TTL_S_MAX:
        raise UsageError(f"--ttl {ttl_s}: expected 1 to {TTL_S_MAX} seconds")
