"""What the workloads cannot do without, and who may not be told what: checked before anything is described."""

import ipaddress
from collections.abc import Iterable, Iterator

import msgspec
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from infra.config import ConfigError, Settings, wrong
from infra.names import Site
from infra.workloads import Workload
from policy.model import Policy

PORT_POSTGRES = 5432


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where something listens; `host` is an address, a name, or empty for a unix socket."""

    host: str
    port: int

    @property
    def named(self) -> bool:
        """Whether it takes DNS to find it."""
        return bool(self.host) and address_of(self.host) is None


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address `host` is, or None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def check_needs(settings: Settings, workloads: Iterable[Workload], policy: Policy) -> None:
    """Raise `ConfigError` for the first thing missing or refused."""
    listed = tuple(workloads)
    for workload in listed:
        for key in _keys(workload, policy):
            if not msgspec.to_builtins(settings)[key]:
                raise wrong(
                    key, what=f"missing, and {workload.name} on {workload.site} needs it",
                    expected="what Pulumi.yaml says of it",
                    fix=f"pulumi config set {_flag(key)}isthmus:{key} VALUE, or leave {workload.site} out of isthmus:sites",
                )  # fmt: skip
    for key in ("ledgerDsn", "warehouseDsn"):
        database_place(settings, key)
    for key in ("kafkaPublic", "kafkaPrivate"):
        for place in brokers(settings, key):
            if not 0 < place.port < 65536:
                raise _not_a_broker(key)
    for key in ("clientNetworks", "publicApiNetworks", "privateApiNetworks", "networks"):
        check_networks(settings, key)


def _keys(workload: Workload, policy: Policy) -> Iterator[str]:
    own = "kafkaPublic" if workload.site == "public" else "kafkaPrivate"
    match workload.kind:
        case "clicks":
            yield own
        case "orders" | "profiles":
            yield "ledgerDsn"
        case "bridge":
            yield own
            if any(it.source == "public" and it.target == "private" for it in policy.streams):
                yield "kafkaPublic"
        case _:
            pass


def _flag(key: str) -> str:
    return "--secret " if key.endswith("Dsn") else ""


def check_networks(settings: Settings, key: str) -> None:
    """Raise `ConfigError` unless every entry is a network."""
    for text in msgspec.to_builtins(settings)[key]:
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            raise wrong(
                key, what=f'"{text}" is no network', expected="CIDR such as 10.1.0.0/16, host bits zero",
                fix="correct the address and the prefix length",
            ) from error  # fmt: skip


def brokers(settings: Settings, key: str) -> tuple[Place, ...]:
    """The bootstrap addresses under `key`. Raises `ConfigError`."""
    places: list[Place] = []
    for text in msgspec.to_builtins(settings)[key]:
        host, colon, port = str(text).rpartition(":")
        if not (colon and host and port.isascii() and port.isdigit()):
            raise _not_a_broker(key)
        places.append(Place(host=host.strip("[]"), port=int(port)))
    return tuple(places)


def _not_a_broker(key: str) -> ConfigError:
    return wrong(
        key, what="an entry is no address", expected="host:port with a port from 1 to 65535",
        fix=f"pulumi config set --path 'isthmus:{key}[0]' 10.1.0.9:9092",
    )  # fmt: skip


def database_place(settings: Settings, key: str) -> Place | None:
    """Where the DSN under `key` leads; None when it is not given. Raises `ConfigError`.

    A password in it would show on a command line and in the topology: it is refused.
    """
    dsn = str(msgspec.to_builtins(settings)[key])
    if not dsn:
        return None
    fix = f"pulumi config set --secret isthmus:{key} 'host=10.2.0.9 dbname=NAME user=NAME'"
    try:
        parsed = conninfo_to_dict(dsn)
    except ProgrammingError as error:
        raise wrong(
            key, what="cannot be read", expected="a PostgreSQL connection string", fix=fix
        ) from error
    if parsed.get("password"):
        raise wrong(
            key, what="carries a password", expected="a DSN without one",
            fix="take it out and pulumi config set --secret isthmus:databasePassword",
        )  # fmt: skip
    host = str(parsed.get("host") or "")
    return Place(
        host="" if host.startswith(("/", "@")) else host,
        port=int(parsed.get("port") or PORT_POSTGRES),
    )


def kafka_key(site: Site) -> str:
    """The key that holds a site's brokers."""
    return "kafkaPublic" if site == "public" else "kafkaPrivate"
