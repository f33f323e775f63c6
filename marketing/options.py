"""What a service is told on its command line, checked once and frozen."""

import argparse
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast, get_args

import msgspec

ServiceKind = Literal["ads", "clicks", "orders", "profiles"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One service process; `port` 0 lets the kernel choose. Empty strings mean not given."""

    service: ServiceKind
    name: str
    site: str
    host: str
    port: int
    allow: tuple[Network, ...]
    ready: Path
    control: Path | None = None
    kafka: str = ""
    topic: str = ""
    dsn: str = ""
    without_idempotency: bool = False


def parse_options(argv: Sequence[str]) -> Options:
    """Options from `argv` (without the program's name); a usage error exits with 2."""
    parser = _parser()
    given = parser.parse_args(argv)
    service = cast("ServiceKind", given.service)
    kafka, topic, dsn = str(given.kafka), str(given.topic), str(given.dsn)
    if service == "clicks" and not (kafka and topic):
        parser.error("clicks: expected --kafka HOST:PORT and --topic NAME")
    if service in {"orders", "profiles"} and not dsn:
        parser.error(f"{service}: expected --dsn DSN")
    host, port = cast("tuple[str, int]", given.listen)
    return Options(
        service=service,
        name=str(given.name),
        site=str(given.site),
        host=host,
        port=port,
        allow=tuple(cast("list[Network]", given.allow)),
        ready=cast("Path", given.ready),
        control=cast("Path | None", given.control),
        kafka=kafka,
        topic=topic,
        dsn=dsn,
        without_idempotency=bool(given.without_idempotency),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m marketing", description=__doc__)
    parser.add_argument("service", choices=get_args(ServiceKind))
    parser.add_argument("--name", required=True, help="e.g. ad-1; part of Isthmus-Served-By")
    parser.add_argument("--site", required=True, help="e.g. public; part of Isthmus-Served-By")
    parser.add_argument("--listen", required=True, type=_address, metavar="HOST:PORT")
    parser.add_argument(
        "--allow",
        required=True,
        action="append",
        type=ipaddress.ip_network,
        metavar="NETWORK",
        help="peers outside are closed at accept; may be given several times",
    )
    parser.add_argument("--ready", required=True, type=Path, metavar="FILE")
    parser.add_argument("--control", type=Path, metavar="SOCKET")
    parser.add_argument("--kafka", default="", metavar="HOST:PORT", help="clicks: bootstrap")
    parser.add_argument("--topic", default="", help="clicks: topic to produce to")
    parser.add_argument("--dsn", default="", help="orders, profiles: PostgreSQL")
    parser.add_argument(
        "--without-idempotency",
        action="store_true",
        help="orders: negative control, a repeated key makes a second order",
    )
    return parser


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError("expected HOST:PORT with a port from 0 to 65535")
    return host.strip("[]"), int(port)
