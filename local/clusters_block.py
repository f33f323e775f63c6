"""Which addresses and names the clusters of one environment use: drawn once, then written down. Pure.

An environment owns 10.B.0.0/14: management links in 10.B.0.0/24, the site link in 10.B.1.0/30, the public
site's pods in 10.(B+1).0.0/16, the private site's in 10.(B+2).0.0/16, services in 10.(B+3).0.0/16.
"""

import hashlib
import ipaddress
from collections.abc import Iterable
from typing import assert_never

from contracts.base import Contract
from contracts.cluster import Site

BASES = range(96, 128, 4)
"""High in 10.0.0.0/8, where few machines have networks; a multiple of four makes each block one /14."""
API_PORT = 6443
SUBNETS_PER_SITE = 254
"""The /24 of a node is 10.x.1.0 to 10.x.254.0; 10.x.0.0/24 holds the bridge's own address."""

Network = ipaddress.IPv4Network


class ExhaustedError(Exception):
    """No block of addresses is free: which are taken, fix."""


class SiteNetwork(Contract, frozen=True, kw_only=True):
    """Names and addresses of one site; interfaces are `mgmt`, `site` and `pods` inside the namespace.

    `outside` is the root namespace's end of the management link (`root_interface`), `management` the
    cluster's. `link` is this site's end of the site link, `gateway` the bridge's address.
    """

    namespace: str
    root_interface: str
    outside: str
    management: str
    link: str
    gateway: str
    pods: str
    services: str


class Block(Contract, frozen=True, kw_only=True):
    """`network.json`: `base` is B, `id` four hexadecimal digits of checkout and environment."""

    base: int
    id: str

    def site(self, site: Site) -> SiteNetwork:
        """Everything of one site."""
        match site:
            case "public":
                number, letter, short, services = 1, "p", "pub", f"10.{self.base + 3}.0.0/17"
            case "private":
                number, letter, short, services = 2, "v", "prv", f"10.{self.base + 3}.128.0/17"
            case _:
                assert_never(site)
        first = 4 * (number - 1) + 1  # each management link is a /30 of its own
        return SiteNetwork(
            namespace=f"is{self.id}-{short}",
            root_interface=f"ism{self.id}{letter}",
            outside=f"10.{self.base}.0.{first}",
            management=f"10.{self.base}.0.{first + 1}",
            link=f"10.{self.base}.1.{number}",
            gateway=f"10.{self.base + number}.0.1",
            pods=f"10.{self.base + number}.0.0/16",
            services=services,
        )

    @property
    def cgroup(self) -> str:
        """The directory under the cgroup v2 mount that holds every process node of the environment."""
        return f"isthmus-{self.id}"


def other(site: Site) -> Site:
    """The peer."""
    return "private" if site == "public" else "public"


def environment_id(checkout: str, environment: str) -> str:
    """Tells environments of one machine apart, and is found again when every file is lost."""
    return hashlib.sha256(f"{checkout}\0{environment}".encode()).hexdigest()[:4]


def draw_base(taken: Iterable[Network]) -> int:
    """The lowest B whose block no network of this machine touches. Raises `ExhaustedError`."""
    used = tuple(taken)
    for base in BASES:
        block = Network(f"10.{base}.0.0/14")
        if not any(block.overlaps(network) for network in used):
            return base
    clashes = ", ".join(sorted({str(it) for it in used if it.overlaps(Network("10.96.0.0/11"))}))
    raise ExhaustedError(
        f"no free address block: each of {', '.join(f'10.{it}.0.0/14' for it in BASES)} is touched by one of "
        f"{clashes}; expected one to be free. fix: isthmus down an environment that is not needed, or see "
        "ip route and ip address for what else uses 10.96.0.0/11"
    )


def node_subnet(pods: str, number: int) -> str:
    """The /24 of node slot `number` (1 to 254) in a site's pod range."""
    network = Network(pods)
    return f"{network.network_address + 256 * number}/24"


def draw_slots(used: Iterable[int], count: int, *, after: int) -> tuple[int, ...]:
    """`count` free slots, the ones least recently used first: upwards from `after`, then from 1 again.

    An address that was somebody else's a moment ago is still in clients' connection pools. Raises
    `ExhaustedError`.
    """
    taken = set(used)
    start = after % SUBNETS_PER_SITE
    order = ((start + step) % SUBNETS_PER_SITE + 1 for step in range(SUBNETS_PER_SITE))
    free = tuple(number for number in order if number not in taken)
    if len(free) < count:
        raise ExhaustedError(
            f"{count} more nodes do not fit: {len(free)} of {SUBNETS_PER_SITE} node networks of the site are "
            f"free. fix: ask for at most {SUBNETS_PER_SITE} nodes in all pools of a site together"
        )
    return free[:count]
