"""A pod's ruleset as nftables text, loaded inside the pod's network namespace in one transaction. Pure.

Replies and loopback always pass, and so does the node (probes), as Kubernetes has it. Connections that stand when a
policy comes are kept: conntrack knows them. Only IPv4 is let through where a direction is restricted.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network

from local.agent_policy import PORT_MAX, Accept, Ruleset

TABLE = "inet isthmus"
_ICMP = "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept"
"""Errors about connections that were let through; path MTU discovery needs them."""


def pod_ruleset(rules: Ruleset, *, node_addresses: tuple[str, ...]) -> str:
    """The script for `nft -f -`; it replaces whatever was loaded before."""
    lines = [f"add table {TABLE}", f"delete table {TABLE}"]
    if rules.ingress is None and rules.egress is None:
        return "\n".join(lines) + "\n"
    lines.append(f"table {TABLE} {{")
    if rules.ingress is not None:
        lines += _chain("ingress", "input", node_addresses, rules.ingress)
    if rules.egress is not None:
        lines += _chain("egress", "output", (), rules.egress)
    return "\n".join([*lines, "}", ""])


def _chain(
    name: str, hook: str, always: tuple[str, ...], accepts: tuple[Accept, ...]
) -> Iterator[str]:
    interface, side = ("iifname", "saddr") if hook == "input" else ("oifname", "daddr")
    yield f"  chain {name} {{"
    yield f"    type filter hook {hook} priority filter; policy drop;"
    yield f'    {interface} "lo" accept'
    yield "    ct state established,related accept"
    yield f"    {_ICMP}"
    for address in always:
        yield f"    ip {side} {address} accept"
    for accept in accepts:
        yield f"    {rule_text(accept, side)}"
    yield "  }"


def rule_text(accept: Accept, side: str) -> str:
    """One accept as a rule; `side` is `saddr` or `daddr`."""
    words = ["meta nfproto ipv4"]
    if not any(network.prefixlen == 0 for network in accept.networks):
        words.append(f"ip {side} {_set(accept.networks)}")
    if accept.exceptions:
        words.append(f"ip {side} != {_set(accept.exceptions)}")
    if accept.protocol is not None:
        words.append(_ports(accept))
    return " ".join([*words, "accept"])


def _ports(accept: Accept) -> str:
    protocol = str(accept.protocol).lower()
    if accept.first_port == 0 and accept.last_port == PORT_MAX:
        return f"meta l4proto {protocol}"
    if accept.first_port == accept.last_port:
        return f"{protocol} dport {accept.first_port}"
    return f"{protocol} dport {accept.first_port}-{accept.last_port}"


def _set(networks: tuple[IPv4Network, ...]) -> str:
    texts = [str(it) if it.prefixlen < 32 else str(it.network_address) for it in _apart(networks)]
    return texts[0] if len(texts) == 1 else f"{{ {', '.join(texts)} }}"


def _apart(networks: tuple[IPv4Network, ...]) -> list[IPv4Network]:
    """An interval set refuses overlapping members."""
    kept: list[IPv4Network] = []
    for network in sorted(set(networks), key=lambda it: it.prefixlen):
        if not any(network.subnet_of(it) for it in kept):
            kept.append(network)
    return sorted(kept)
