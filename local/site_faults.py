"""Cut and heal the link between the sites in one site's network namespace, with nftables.

A cut is a black hole: packets vanish, nobody is told, and healing resumes every connection where it stood (TCP
retries for minutes; the first retransmission after a heal comes within seconds). The link itself stays up, so routes
stay too. Rules live in a table of their own: pods' rulesets are in other namespaces and are never touched.
"""

import subprocess
from pathlib import Path
from typing import Literal, assert_never

Cut = Literal["both", "inbound", "outbound", "new-inbound", "new-outbound"]
"""Seen from the site whose namespace it is; `new-…` stops only connections that begin."""
TABLE = "inet isthmus_cut"
LINK = "site"
NFT_S = 10.0
PRIORITY = -500
"""Before conntrack and every other rule."""


class FaultError(Exception):
    """The fault could not be set or taken back: the command, what it said."""


def cut_ruleset(cut: Cut, *, interface: str = LINK) -> str:
    """The script for `nft -f -`; it replaces an earlier cut."""
    lines = [f"add table {TABLE}", f"delete table {TABLE}", f"table {TABLE} {{"]
    match cut:
        case "both":
            lines += _hook("prerouting", f'iifname "{interface}" drop')
            lines += _hook("postrouting", f'oifname "{interface}" drop')
        case "inbound":
            lines += _hook("prerouting", f'iifname "{interface}" drop')
        case "outbound":
            lines += _hook("postrouting", f'oifname "{interface}" drop')
        case "new-inbound":
            # conntrack decides what is new, so after it: in forward, and for the site's own addresses in input
            rule = f'iifname "{interface}" ct state new drop'
            lines += _hook("forward", rule, priority=0)
            lines += _hook("input", rule, priority=0)
        case "new-outbound":
            rule = f'oifname "{interface}" ct state new drop'
            lines += _hook("forward", rule, priority=0)
            lines += _hook("output", rule, priority=0)
        case _:
            assert_never(cut)
    return "\n".join([*lines, "}", ""])


def _hook(hook: str, rule: str, *, priority: int = PRIORITY) -> list[str]:
    return [
        f"  chain {hook} {{",
        f"    type filter hook {hook} priority {priority}; policy accept;",
        f"    {rule}",
        "  }",
    ]


def heal_ruleset() -> str:
    """The script that takes any cut back; there need not be one."""
    return f"add table {TABLE}\ndelete table {TABLE}\n"


def tracking_ruleset(*, interface: str = LINK) -> str:
    """The script that makes conntrack see connections begin; loaded when a site is made.

    With no rule that asks, it tracks nothing, and a later `new-…` cut would take standing connections for new.
    """
    hook = _hook("forward", f'oifname "{interface}" ct state established accept', priority=10)
    table = "inet isthmus_track"
    lines = [f"add table {table}", f"delete table {table}", f"table {table} {{", *hook, "}", ""]
    return "\n".join(lines)


def load(namespace: str, script: str, *, nsenter: str = "nsenter", nft: str = "nft") -> None:
    """Load a script inside a site's namespace, all or nothing. Raises `FaultError`."""
    path = Path("/run/netns", namespace)
    argv = (nsenter, f"--net={path}", nft, "-f", "-")
    try:
        run = subprocess.run(
            argv, input=script, capture_output=True, text=True, timeout=NFT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FaultError(f"{' '.join(argv)}: {error}") from error
    if run.returncode != 0:
        raise FaultError(
            f"{' '.join(argv)}: {run.stderr.strip()}; expected the namespace of a site and nftables "
            "(fix: apt-get install nftables)"
        )


def cut_link(namespace: str, cut: Cut) -> None:
    """Cut the site link as seen from this namespace. Raises `FaultError`."""
    load(namespace, cut_ruleset(cut))


def heal_link(namespace: str) -> None:
    """Take every cut of this namespace back. Raises `FaultError`."""
    load(namespace, heal_ruleset())
