"""Where everything of one cloud lies: directories, addresses and ports. Pure; ports are drawn by the caller.

Addresses are planned before anything starts, so that all processes can start at once and a restarted one is
found where it was.
"""

from collections.abc import Iterable
from pathlib import PurePath

from contracts.base import Contract

PUBLIC_NETWORK = "127.0.1.0/24"
PRIVATE_NETWORK = "127.0.2.0/24"
LINK_LISTEN, LINK_SOURCE = "127.0.1.2", "127.0.1.250"
TAP_LISTEN, TAP_SOURCE = "127.0.1.3", "127.0.1.251"
PUBLIC_BROKER, PRIVATE_BROKER = "127.0.1.240", "127.0.2.240"

HOSTS = {
    "router-edge": "127.0.1.30",
    "clicks-public": "127.0.1.40",
    "router-core": "127.0.2.30",
    "ads-private": "127.0.2.10",
    "clicks-private": "127.0.2.40",
    "orders-1": "127.0.2.50",
    "profiles-1": "127.0.2.60",
}
"""Where each process that listens on one address listens."""
BROKER_LISTENERS = ("link", "local", "internal", "controller")


class Ground(Contract, frozen=True, kw_only=True):
    """One cloud's place: `root` is `.isthmus/cloud`, `temporary` a short private directory for sockets.

    `ports` maps the names of `port_hosts` to the ports drawn.
    """

    id: str
    root: str
    temporary: str
    checkout: str
    python: str
    ports: dict[str, int]

    def address(self, name: str) -> str:
        """`host:port` of a name of `port_hosts`."""
        return f"{host_of(name)}:{self.ports[name]}"

    def path(self, *parts: str) -> str:
        """A path under `root`."""
        return str(PurePath(self.root, *parts))

    def socket(self, name: str) -> str:
        """A control socket's path: under `temporary`, because a socket's path may have 107 bytes."""
        return str(PurePath(self.temporary, "ctl", f"{name}.sock"))

    def ready(self, name: str) -> str:
        """A process's ready file."""
        return self.path("ready", f"{name}.json")


def ad_names(count: int) -> tuple[str, ...]:
    """The public ad nodes."""
    return tuple(f"ad-{number}" for number in range(1, count + 1))


def public_services(ad_nodes: int) -> tuple[str, ...]:
    """Every public HTTP service: each has a listener on both relays."""
    return (*ad_names(ad_nodes), "clicks-public")


def host_of(name: str) -> str:
    """The address a port name belongs to."""
    owner, _, rest = name.partition("/")
    if owner in HOSTS:
        return HOSTS[owner]
    if owner.startswith("ad-"):
        return f"127.0.1.{10 + int(owner[3:])}"
    match owner, rest:
        case "link", _:
            return LINK_LISTEN
        case "tap", _:
            return TAP_LISTEN
        case "kafka-public", _:
            return PUBLIC_BROKER
        case "kafka-private", _:
            return PRIVATE_BROKER
        case _:
            raise KeyError(name)


def port_names(ad_nodes: int) -> Iterable[str]:
    """Every name that needs a port."""
    yield from HOSTS
    yield from ("router-core/probe", "router-edge/probe")
    yield from ad_names(ad_nodes)
    for relay in ("link", "tap"):
        yield from (f"{relay}/{service}" for service in public_services(ad_nodes))
        yield f"{relay}/kafka"
    yield from ("tap/kafka-internal", "tap/kafka-controller")
    yield from (f"kafka-public/{listener}" for listener in BROKER_LISTENERS)
    yield from ("kafka-private/client", "kafka-private/controller")
