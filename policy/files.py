"""The grammar of policy.yaml and topology.yaml as structs: the loader and the JSON Schema both read it.

A field's `Meta(description=…)` is what an error message says was expected there. What a struct cannot say
(names that refer to one another, addresses and networks) stands in `load` and `load_topology`.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field


class FileStruct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of everything written in a file: unknown keys are refused."""


Name = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z][A-Za-z0-9_-]{0,62}$",
        description="a name: letters, digits, - and _, a letter first, at most 63",
    ),
]
Token = Annotated[
    str,
    Meta(pattern="^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", description="a token of HTTP (RFC 9110 §5.6.2)"),
]
Topic = Annotated[
    str, Meta(pattern="^[A-Za-z0-9._-]{1,249}$", description="a Kafka topic name of at most 249")
]
Text = Annotated[str, Meta(min_length=1, description="text")]
Glob = Annotated[
    str, Meta(min_length=1, description="a glob: * is one segment, ** is any number of them")
]
Size = Annotated[
    str,
    Meta(
        pattern="^(0|[1-9][0-9]{0,9})(B|KiB|MiB)?$",
        description="a size such as 64KiB (B, KiB or MiB)",
    ),
]
Ref = Annotated[
    str,
    Meta(pattern="^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$", description="env:NAME or file:PATH"),
]
Rule = Annotated[
    str,
    Meta(
        pattern=r"^(drop|keep:(int|num|text|enum\([^()]+\))|bucket\([^()]+\)|mask\([^()]+\)"
        r"|hmac\([^()]+\)|date\((day|month)\))$",
        description="drop, keep:int|num|text|enum(a,b), bucket(n), mask(first,last), hmac(secret)"
        " or date(day|month)",
    ),
]
Class = Literal["public", "sensitive"]
Version = Literal["isthmus/v1"]


class SiteFile(FileStruct, frozen=True, kw_only=True):
    """What a site may hold."""

    holds: Annotated[tuple[Class, ...], Meta(min_length=1, description="a list of classes")]


class CustomFile(FileStruct, frozen=True, kw_only=True):
    """A detector of one's own: an RE2 pattern and an exact check."""

    id: Name
    pattern: Text
    check: Literal["none", "luhn", "mod11-2"] = "none"


class DetectorsFile(FileStruct, frozen=True, kw_only=True):
    """Built-in detectors that are on, and own ones."""

    enable: tuple[Text, ...] = ()
    custom: tuple[CustomFile, ...] = ()


class MatchFile(FileStruct, frozen=True, kw_only=True):
    """What a route matches; without `hosts` any host, without `methods` any method."""

    paths: Annotated[tuple[Glob, ...], Meta(min_length=1, description="a list of path globs")]
    hosts: Annotated[tuple[Glob, ...], Meta(min_length=1, description="a list of hosts")] = ("*",)
    methods: tuple[
        Annotated[str, Meta(pattern="^[A-Z]{1,20}$", description="a method in capitals")], ...
    ] = ()


class InspectFile(FileStruct, frozen=True, kw_only=True):
    """How much of a body is held and scanned on a public route."""

    body: Size | Annotated[int, Meta(ge=0, le=1 << 30, description="a size in bytes")]


class RouteFile(FileStruct, frozen=True, kw_only=True):
    """One route; the first that matches wins."""

    id: Name
    match: MatchFile
    sensitivity: Class = field(name="class")
    service: Name
    cookies: tuple[Token, ...] = ()
    inspect: InspectFile | UnsetType = UNSET
    idempotency: Token | UnsetType = UNSET
    ledger: Literal["shared", "own"] = "own"


class SecretFile(FileStruct, frozen=True, kw_only=True):
    """Where a key is found; `previous` ids are still recognised after a rotation."""

    id: Name
    ref: Ref
    previous: tuple[Name, ...] = ()


class StreamFile(FileStruct, frozen=True, kw_only=True):
    """One topic that crosses a link: whole (`carry: all`), or the listed fields only."""

    topic: Topic
    source: Name = field(name="from")
    target: Name = field(name="to")
    rename: Topic | UnsetType = field(name="as", default=UNSET)
    carry: Literal["all"] | UnsetType = UNSET
    key: Rule | UnsetType = UNSET
    fields: dict[Name, Rule] | UnsetType = UNSET


class PolicyFile(FileStruct, frozen=True, kw_only=True):
    """policy.yaml: what is sensitive and which site may hold it."""

    version: Version
    sites: Annotated[dict[Name, SiteFile], Meta(min_length=1, description="a map of sites")]
    detectors: DetectorsFile = DetectorsFile()
    routes: Annotated[tuple[RouteFile, ...], Meta(min_length=1, description="a list of routes")]
    secrets: dict[Name, SecretFile] = {}
    streams: tuple[StreamFile, ...] = ()


Address = Annotated[
    str,
    Meta(
        pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$",
        description='an address "host:port"',
    ),
]
DnsLabel = Annotated[
    str,
    Meta(
        pattern="^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="a name as Kubernetes has it: a-z, 0-9 and -, at most 63",
    ),
]
PortName = Annotated[
    str,
    Meta(
        pattern="^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="the name of the service's port",
    ),
]
Share = Annotated[float, Meta(ge=0, le=1, description="a share from 0 to 1")]


class EndpointFile(FileStruct, frozen=True, kw_only=True):
    """One address of a service and the node it runs on."""

    address: Address
    node: Name
    zone: Text | UnsetType = UNSET


class KubernetesFile(FileStruct, frozen=True, kw_only=True):
    """A service of a cluster, whose endpoints are found in its EndpointSlices.

    `port` is the name of the service's port, or the number its pods listen on.
    """

    kubeconfig: Annotated[str, Meta(pattern="^file:.+$", description="file:PATH of a kubeconfig")]
    namespace: DnsLabel
    service: DnsLabel
    port: PortName | Annotated[int, Meta(ge=1, le=65535, description="a port from 1 to 65535")]


class ServiceFile(FileStruct, frozen=True, kw_only=True):
    """The endpoints of a service on one site: listed, or found in a cluster."""

    endpoints: (
        Annotated[tuple[EndpointFile, ...], Meta(min_length=1, description="a list of endpoints")]
        | UnsetType
    ) = UNSET
    kubernetes: KubernetesFile | UnsetType = UNSET


class KafkaFile(FileStruct, frozen=True, kw_only=True):
    """A site's broker, and a client properties file if it needs one."""

    bootstrap: Annotated[tuple[Address, ...], Meta(min_length=1, description="a list of brokers")]
    client: Ref | UnsetType = UNSET


class WarehouseFile(FileStruct, frozen=True, kw_only=True):
    """Where the warehouse is; the DSN itself, or a reference to it."""

    dsn: Text


class SiteTopologyFile(FileStruct, frozen=True, kw_only=True):
    """What runs on a site and which networks are its own."""

    networks: Annotated[tuple[Text, ...], Meta(min_length=1, description="a list of networks")]
    ca: Ref | UnsetType = UNSET
    services: dict[Name, ServiceFile] = {}
    reserve: dict[Name, Share] = {}
    kafka: KafkaFile | UnsetType = UNSET
    warehouse: WarehouseFile | UnsetType = UNSET


class TopologyFile(FileStruct, frozen=True, kw_only=True):
    """topology.yaml: sites in order of preference."""

    version: Version
    sites: Annotated[dict[Name, SiteTopologyFile], Meta(min_length=1, description="a map of sites")]
