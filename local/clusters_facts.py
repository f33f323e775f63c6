"""What a site's network consists of, as facts that hold or do not, each with the command that makes it so. Pure.

Commands follow in the order of the facts; those that hold already are left out. So a network half made, by
whatever died in between, is completed by the same plan that makes one from nothing.
"""

from collections.abc import Collection, Iterator

import msgspec

from contracts.cluster import Site
from local.clusters_block import API_PORT, Block, SiteNetwork, other

MANAGEMENT, SITE_LINK, BRIDGE = "mgmt", "site", "pods"
ROOT = ""
"""The namespace everything else on this machine lives in."""
RULE, GATEWAY_RULE = 10, 11
LOCAL_RULE = 100
"""Where the rule for local addresses is put: at its usual place, 0, no rule could come before it."""


class Fact(msgspec.Struct, frozen=True):
    """`kind` of `subject` in `namespace` (empty: the root one); `value` as `ip` prints it."""

    kind: str
    namespace: str
    subject: str = ""
    value: str = ""


class Step(msgspec.Struct, frozen=True):
    """A fact and the command that makes it hold, all facts before it holding."""

    fact: Fact
    command: tuple[str, ...]


def steps(block: Block, site: Site, *, peer_exists: bool) -> Iterator[Step]:
    """Everything of this site; with `peer_exists` the site link and both its ends too."""
    net = block.site(site)
    name = net.namespace
    yield Step(Fact("namespace", name), ("ip", "netns", "add", name))
    yield from _up(name, "lo")
    yield from _management(net)
    yield Step(Fact("link", name, BRIDGE), (*_ip(name), "link", "add", BRIDGE, "type", "bridge"))
    yield from _address(name, BRIDGE, f"{net.gateway}/16")
    yield from _up(name, BRIDGE)
    yield Step(
        Fact("forward", name),
        (
            "nsenter", f"--net=/run/netns/{name}", "sysctl", "-qew", "net.ipv4.ip_forward=1",
            # no address but the planned ones: nothing may find a way round the site link's rules
            "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1",
        ),
    )  # fmt: skip
    # without it packets for pods would leave this machine by its default route
    yield from _route(ROOT, net.pods, net.management)
    if peer_exists:
        yield from _site_link(block)
    if site == "private":
        yield from _closed_to_peer(net)


def missing(wanted: Iterator[Step], holds: Collection[Fact]) -> tuple[tuple[str, ...], ...]:
    """The commands still needed."""
    return tuple(step.command for step in wanted if step.fact not in holds)


def _management(net: SiteNetwork) -> Iterator[Step]:
    yield Step(
        Fact("link", ROOT, net.root_interface),
        (
            *_ip(ROOT), "link", "add", net.root_interface, "type", "veth",
            "peer", "name", MANAGEMENT, "netns", net.namespace,
        ),
    )  # fmt: skip
    yield from _address(ROOT, net.root_interface, f"{net.outside}/30")
    yield from _up(ROOT, net.root_interface)
    yield from _address(net.namespace, MANAGEMENT, f"{net.management}/30")
    yield from _up(net.namespace, MANAGEMENT)


def _site_link(block: Block) -> Iterator[Step]:
    one, two = block.site("public"), block.site("private")
    yield Step(
        Fact("link", one.namespace, SITE_LINK),
        (
            *_ip(one.namespace), "link", "add", SITE_LINK, "type", "veth",
            "peer", "name", SITE_LINK, "netns", two.namespace,
        ),
    )  # fmt: skip
    for end in (one, two):
        yield from _address(end.namespace, SITE_LINK, f"{end.link}/30")
        yield from _up(end.namespace, SITE_LINK)
    for site in ("public", "private"):
        end, peer = block.site(site), block.site(other(site))
        yield from _route(end.namespace, peer.pods, peer.link)


def _closed_to_peer(net: SiteNetwork) -> Iterator[Step]:
    """The private API server, broker and database answer nobody who comes over the site link."""
    name = net.namespace
    yield Step(
        Fact("rule", name, "local", str(LOCAL_RULE)),
        (*_ip(name), "rule", "add", "pref", str(LOCAL_RULE), "lookup", "local"),
    )
    yield Step(
        Fact("no rule", name, "local", "0"),
        (*_ip(name), "rule", "del", "pref", "0", "lookup", "local"),
    )
    yield Step(
        Fact("rule", name, "blackhole", str(RULE)),
        (
            *_ip(name), "rule", "add", "pref", str(RULE), "iif", SITE_LINK, "ipproto", "tcp",
            "dport", str(API_PORT), "blackhole",
        ),
    )  # fmt: skip
    yield Step(
        Fact("rule", name, "blackhole", str(GATEWAY_RULE)),
        (
            *_ip(name), "rule", "add", "pref", str(GATEWAY_RULE), "iif", SITE_LINK,
            "to", f"{net.gateway}/32", "blackhole",
        ),
    )  # fmt: skip


def _ip(namespace: str) -> tuple[str, ...]:
    return ("ip", "-n", namespace) if namespace else ("ip",)


def _address(namespace: str, interface: str, address: str) -> Iterator[Step]:
    yield Step(
        Fact("address", namespace, interface, address),
        (*_ip(namespace), "address", "add", address, "dev", interface),
    )


def _up(namespace: str, interface: str) -> Iterator[Step]:
    yield Step(Fact("up", namespace, interface), (*_ip(namespace), "link", "set", interface, "up"))


def _route(namespace: str, network: str, via: str) -> Iterator[Step]:
    # replace: one of a link that was cut and is up again may be there without its gateway
    yield Step(
        Fact("route", namespace, network, via),
        (*_ip(namespace), "route", "replace", network, "via", via),
    )
