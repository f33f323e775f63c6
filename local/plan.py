"""Which processes a cloud consists of: a pure function of options and ground. Reconciling is comparing two plans."""

from pathlib import Path, PurePath
from typing import Literal

import msgspec

from contracts.cloud import Role
from contracts.settings import BridgeSettings, RouterSettings
from local.ground import (
    LINK_SOURCE,
    PRIVATE_NETWORK,
    PUBLIC_NETWORK,
    TAP_SOURCE,
    Ground,
    ad_names,
    public_services,
)
from local.kafka import BrokerSpec
from local.postgres import PostgresSpec, server_environ
from local.relay_settings import RelayListener, RelaySettings
from local.topology_file import core_topology, edge_topology
from runtime.processes import MARK

SiteName = Literal["public", "private"]
Mechanism = Literal["scan", "guard-and-scan", "failover", "eos", "idempotency"]
AD_NODES = 10
AD_NODES_MAX = 19
"""127.0.1.11 to 127.0.1.29; .30 is the edge router."""
BRIDGE_SLICES = 2
"""Each costs a producer, a consumer and 0.06 of a core on this machine; two show that slices are apart."""
POLICY = Path(__file__).with_name("policy.yaml")


class CloudOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a cloud is asked to be; `without` names mechanisms switched off for a negative control.

    `core_port` and `edge_port` 0 mean any free port. `keep` leaves it running after its command.
    """

    without: frozenset[Mechanism] = frozenset()
    ad_nodes: int = AD_NODES
    keep: bool = False
    core_port: int = 0
    edge_port: int = 0


class ProcessSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One process as it should run; `files` are written before it starts, `after` must be ready before."""

    name: str
    role: Role
    site: SiteName
    argv: tuple[str, ...]
    environ: dict[str, str]
    cwd: str
    log: str
    ready: str = ""
    user: str = ""
    inherit: bool = True
    after: tuple[str, ...] = ()
    files: dict[str, str] = {}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Who a process is."""

    name: str
    role: Role
    site: SiteName


class Engines(msgspec.Struct, frozen=True, kw_only=True):
    """The three engines' own plans; command lines come from their modules."""

    public_broker: BrokerSpec
    private_broker: BrokerSpec
    postgres: PostgresSpec
    argv: dict[str, tuple[str, ...]]
    ledger_dsn: str


def plan_cloud(options: CloudOptions, ground: Ground, engines: Engines) -> tuple[ProcessSpec, ...]:
    """Every process of the cloud, in the order people like to read them."""
    return (
        *_engines(ground, engines),
        *_relays(ground, options),
        *(_ad_node(ground, name) for name in ad_names(options.ad_nodes)),
        _clicks(ground, "clicks-public", "public", ground.address("tap/kafka")),
        _service(ground, "ads-private", "ads", "private"),
        _clicks(ground, "clicks-private", "private", ground.address("kafka-private/client")),
        _orders(ground, options, engines),
        _profiles(ground, engines),
        _router(ground, options, "core"),
        _router(ground, options, "edge"),
        _bridge(ground, options),
    )


def _engines(ground: Ground, engines: Engines) -> tuple[ProcessSpec, ...]:
    def engine(name: str, role: Role, site: SiteName) -> ProcessSpec:
        return ProcessSpec(
            name=name, role=role, site=site, argv=engines.argv[name], environ=_environ(ground),
            cwd=ground.root, log=_log(ground, name),
        )  # fmt: skip

    postgres = msgspec.structs.replace(
        engine("postgres", "postgres", "private"),
        user=engines.postgres.run_as, inherit=False, cwd="/",
        environ={**_environ(ground), **server_environ()},
    )  # fmt: skip
    public = msgspec.structs.replace(
        engine("kafka-public", "kafka", "public"), after=("relay-tap",)
    )
    return (public, engine("kafka-private", "kafka", "private"), postgres)


def _relays(ground: Ground, options: CloudOptions) -> tuple[ProcessSpec, ...]:
    services = public_services(options.ad_nodes)
    link = [_way(ground, "link", name, name) for name in services]
    link.append(_way(ground, "link", "kafka", "kafka-public/link"))
    tap = [_way(ground, "tap", name, name) for name in services]
    tap += [
        _way(ground, "tap", "kafka", "kafka-public/local"),
        _way(ground, "tap", "kafka-internal", "kafka-public/internal"),
        _way(ground, "tap", "kafka-controller", "kafka-public/controller"),
    ]
    return (
        _relay(ground, "relay-link", LINK_SOURCE, link),
        _relay(ground, "relay-tap", TAP_SOURCE, tap),
    )


def _way(ground: Ground, relay: str, name: str, target: str) -> RelayListener:
    return RelayListener(
        name=name, listen=ground.address(f"{relay}/{name}"), target=ground.address(target)
    )


def _relay(ground: Ground, name: str, source: str, ways: list[RelayListener]) -> ProcessSpec:
    settings = RelaySettings(
        name=name, source=source, control=ground.socket(name), ready=ground.ready(name),
        beacons=ground.path(f"{name}.beacons"), listeners=tuple(ways),
    )  # fmt: skip
    return _with_settings(
        ground, Part(name=name, role="relay", site="public"), "local.relay", settings
    )


def _ad_node(ground: Ground, name: str) -> ProcessSpec:
    # needs no database, but the engines take longest and others wait for them: they get the processors first
    return _service(ground, name, "ads", "public", after=("postgres",))


def _clicks(ground: Ground, name: str, site: SiteName, kafka: str) -> ProcessSpec:
    return _service(
        ground,
        name,
        "clicks",
        site,
        "--kafka",
        kafka,
        "--topic",
        "clicks",
        after=(f"kafka-{site}",),
    )


def _profiles(ground: Ground, engines: Engines) -> ProcessSpec:
    flags = ("--dsn", engines.ledger_dsn)
    return _service(ground, "profiles-1", "profiles", "private", *flags, after=("postgres",))


def _orders(ground: Ground, options: CloudOptions, engines: Engines) -> ProcessSpec:
    flags = ("--without-idempotency",) if "idempotency" in options.without else ()
    return _service(
        ground, "orders-1", "orders", "private",
        "--dsn", engines.ledger_dsn, "--control", ground.socket("orders-1"), *flags,
        after=("postgres",),
    )  # fmt: skip


def _service(
    ground: Ground,
    name: str,
    role: Literal["ads", "clicks", "orders", "profiles"],
    site: SiteName,
    *arguments: str,
    after: tuple[str, ...] = (),
) -> ProcessSpec:
    network = PUBLIC_NETWORK if site == "public" else PRIVATE_NETWORK
    argv = (
        ground.python, "-m", "marketing", role, "--name", name, "--site", site,
        "--listen", ground.address(name), "--allow", network, "--ready", ground.ready(name), *arguments,
    )  # fmt: skip
    return ProcessSpec(
        name=name, role=role, site=site, argv=argv, environ=_environ(ground), cwd=ground.checkout,
        log=_log(ground, name), ready=ground.ready(name), after=after,
    )  # fmt: skip


def _router(
    ground: Ground, options: CloudOptions, placement: Literal["core", "edge"]
) -> ProcessSpec:
    name = f"router-{placement}"
    site: SiteName = "private" if placement == "core" else "public"
    write = core_topology if placement == "core" else edge_topology
    topology = ground.path(f"topology-{placement}.yaml")
    settings = RouterSettings(
        name=name, placement=placement, site=site, policy=ground.path("policy.yaml"),
        topology=topology, listen=ground.address(name), probe=ground.address(f"{name}/probe"),
        admin=ground.socket(name), evidence=ground.path(f"evidence-{placement}"),
        ready=ground.ready(name), source_address=ground.address(name).rpartition(":")[0],
        disable=_disabled(options),
    )  # fmt: skip
    spec = _with_settings(ground, Part(name=name, role="router", site=site), "router", settings)
    files = {**spec.files, topology: write(ground, options.ad_nodes)}
    return msgspec.structs.replace(spec, files=files)


def _disabled(options: CloudOptions) -> tuple[Literal["scan", "guard", "failover"], ...]:
    disabled: set[Literal["scan", "guard", "failover"]] = set()
    if options.without & {"scan", "guard-and-scan"}:
        disabled.add("scan")
    if "guard-and-scan" in options.without:
        disabled.add("guard")
    if "failover" in options.without:
        disabled.add("failover")
    return tuple(sorted(disabled))


def _bridge(ground: Ground, options: CloudOptions) -> ProcessSpec:
    settings = BridgeSettings(
        name="bridge", link="public-private", site="private", policy=ground.path("policy.yaml"),
        topology=ground.path("topology-core.yaml"), control=ground.socket("bridge"),
        ready=ground.ready("bridge"),
        warehouse_topics=("public.clicks", "clicks"), slices_max=BRIDGE_SLICES,
        disable=("eos",) if "eos" in options.without else (),
    )  # fmt: skip
    spec = _with_settings(
        ground, Part(name="bridge", role="bridge", site="private"), "sync", settings
    )
    after = ("kafka-public", "kafka-private", "postgres", "relay-link")
    return msgspec.structs.replace(spec, after=after)


def _with_settings(
    ground: Ground, part: Part, module: str, settings: msgspec.Struct
) -> ProcessSpec:
    path = ground.path("settings", f"{part.name}.json")
    text = msgspec.json.format(msgspec.json.encode(settings)).decode() + "\n"
    argv = (ground.python, "-m", module, "--settings", path)
    return ProcessSpec(
        name=part.name, role=part.role, site=part.site, argv=argv, environ=_environ(ground),
        cwd=ground.checkout, log=_log(ground, part.name), ready=ground.ready(part.name),
        files={path: text},
    )  # fmt: skip


def _environ(ground: Ground) -> dict[str, str]:
    return {MARK: ground.root}


def _log(ground: Ground, name: str) -> str:
    return str(PurePath(ground.root, "logs", f"{name}.log"))


def endpoints(ground: Ground, *, ledger_dsn: str, warehouse_dsn: str) -> dict[str, str]:
    """The addresses others need, by the names of `contracts.cloud.CloudState`."""
    return {
        "core": ground.address("router-core"),
        "edge": ground.address("router-edge"),
        "core.probe": ground.address("router-core/probe"),
        "edge.probe": ground.address("router-edge/probe"),
        "core.admin": ground.socket("router-core"),
        "edge.admin": ground.socket("router-edge"),
        "core.evidence": ground.path("evidence-core"),
        "edge.evidence": ground.path("evidence-edge"),
        "link.control": ground.socket("relay-link"),
        "tap.control": ground.socket("relay-tap"),
        "bridge.control": ground.socket("bridge"),
        "orders.control": ground.socket("orders-1"),
        "kafka.public": ground.address("tap/kafka"),
        "kafka.public.link": ground.address("link/kafka"),
        "kafka.private": ground.address("kafka-private/client"),
        "ledger.dsn": ledger_dsn,
        "warehouse.dsn": warehouse_dsn,
    }
