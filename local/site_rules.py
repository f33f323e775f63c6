"""Faults of the site link as nftables rules of the site that receives: the text, and what is read back. Pure.

A fault is a black hole or a narrow one: packets vanish, nobody is told, and once it is over every connection goes on
where it stood (TCP retries for minutes). The link itself stays up, so routes stay too. The interface is an element of
a set that times out: the kernel itself ends the fault, whoever died meanwhile. Rules live in a table of their own;
pods' rulesets are in other namespaces and are never touched.
"""

import re
from typing import Annotated, Literal, assert_never

import msgspec

from contracts.base import Contract

TABLE = "inet isthmus_fault"
LINK = "site"
PRIORITY = -500
"""Before conntrack and every other rule."""
CAP_BURST_KIB = 256
"""Frames on a virtual link hold up to 64 KiB: a burst below lets none through. One second's worth comes on top."""
TTL_S_MAX = 86_400
Positive = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Kind = Literal["cut", "cut-new", "cap", "lose"]


class LinkFault(Contract, frozen=True, kw_only=True):
    """What happens to what a site receives over the link; `left_s` until the kernel ends it.

    `cut` drops everything, `cut-new` what begins a connection, `cap` what comes faster than `size` KiB per second,
    `lose` `size` in a thousand packets.
    """

    kind: Kind
    size: Positive = 1
    left_s: Positive = 900


def fault_ruleset(fault: LinkFault, *, interface: str = LINK) -> str:
    """The script for `nft -f -`; it replaces an earlier fault."""
    name = f"{fault.kind}_{fault.size}".replace("-", "_")
    here = f"iifname @{name}"
    lines = [*_anew(TABLE), *_held(name, interface, fault.left_s)]
    match fault.kind:
        case "cut":
            lines += _hook("prerouting", f"{here} drop")
        case "cut-new":
            # conntrack decides what is new, so after it: in forward, and for the site's own addresses in input
            lines += _hook("forward", f"{here} ct state new drop", priority=0)
            lines += _hook("input", f"{here} ct state new drop", priority=0)
        case "cap":
            over = f"limit rate over {fault.size} kbytes/second burst {CAP_BURST_KIB} kbytes"
            lines += _hook("prerouting", f"{here} {over} drop")
        case "lose":
            lines += _hook("prerouting", f"{here} numgen random mod 1000 < {fault.size} drop")
        case _:
            assert_never(fault.kind)
    return "\n".join([*lines, "}", ""])


def _anew(table: str) -> list[str]:
    return [f"add table {table}", f"delete table {table}", f"table {table} {{"]


def _held(name: str, interface: str, ttl_s: int) -> list[str]:
    return [
        f"  set {name} {{",
        "    type ifname; flags timeout;",
        f'    elements = {{ "{interface}" timeout {ttl_s}s }}',
        "  }",
    ]


def _hook(hook: str, rule: str, *, priority: int = PRIORITY) -> list[str]:
    return [
        f"  chain {hook} {{",
        f"    type filter hook {hook} priority {priority}; policy accept;",
        f"    {rule}",
        "  }",
    ]


def heal_ruleset() -> str:
    """The script that takes any fault back; there need not be one."""
    return f"add table {TABLE}\ndelete table {TABLE}\n"


def tracking_ruleset(*, interface: str = LINK) -> str:
    """The script that makes conntrack see connections begin; loaded when a site is made.

    With no rule that asks, it tracks nothing, and a later `cut-new` would take standing connections for new.
    """
    hook = _hook("forward", f'oifname "{interface}" ct state established accept', priority=10)
    return "\n".join([*_anew("inet isthmus_track"), *hook, "}", ""])


class _Set(msgspec.Struct, frozen=True):
    name: str = ""
    elem: tuple[msgspec.Raw, ...] = ()


class _Item(msgspec.Struct, frozen=True):
    set: _Set | None = None


class _Listing(msgspec.Struct, frozen=True):
    nftables: tuple[_Item, ...] = ()


class _Timed(msgspec.Struct, frozen=True):
    expires: int = 0


class _Element(msgspec.Struct, frozen=True):
    elem: _Timed


def read_fault(listing: bytes) -> LinkFault | None:
    """The fault in force by `nft -j list table`; None when there is none or its time is over."""
    for item in msgspec.json.decode(listing, type=_Listing).nftables:
        named = re.fullmatch(r"([a-z_]+)_([0-9]+)", item.set.name) if item.set else None
        if item.set and item.set.elem and named:
            left_s = msgspec.json.decode(item.set.elem[0], type=_Element).elem.expires
            told = {"kind": named[1].replace("_", "-"), "size": int(named[2])}
            return msgspec.convert({**told, "left_s": max(1, left_s)}, LinkFault)
    return None
