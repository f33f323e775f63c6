"""The stack's configuration: every key typed, bounded and described once; read once, then frozen.

`Pulumi.yaml` is written from `Settings` (see `project_file`), so that the engine, the reader and this program
agree. Which keys a driver cannot do without is decided by the driver, not here. Pure.
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from infra.names import PROCESS_IMAGE
from policy.problems import did_you_mean

PROJECT = "isthmus"

Seconds = Annotated[int, Meta(ge=1, le=7200)]
Nodes = Annotated[int, Meta(ge=0, le=500)]
Replicas = Annotated[int, Meta(ge=1, le=1000)]
ReplicasMax = Annotated[int, Meta(ge=0, le=5000)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Kind = Literal["string", "integer", "boolean", "array"]
"""What the engine knows; it has no fractions."""
Driver = Literal["local", "eks", "ack", "existing", "k3s-ssh"]


class ConfigError(Exception):
    """A key that cannot be used: its full name, what was expected, and the fix; never its value."""


def wrong(key: str, *, what: str, expected: str, fix: str) -> ConfigError:
    """The error for one key, named without its project."""
    return ConfigError(f"{PROJECT}:{key}: {what}; expected {expected}; fix: {fix}")


class Settings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True
):
    """Every key of every stack, with its default; durations in seconds, networks in CIDR form.

    A cluster's stack reads the first two groups, the fabric's the third. Empty means not given.
    """

    driver: Annotated[Driver, Meta(description="How the cluster of this stack comes to be. Public: local, eks, ack, existing. Private: local, existing, k3s-ssh.")] = "local"  # fmt: skip
    policy: Annotated[str, Meta(min_length=1, description="The policy file: what is sensitive and which site may hold it. Relative to the project.")] = "local/policy.yaml"  # fmt: skip
    networks: Annotated[tuple[str, ...], Meta(description="Networks of this site's nodes and pods (CIDR). Not for driver local, which draws its own.")] = ()  # fmt: skip
    ad_nodes: Annotated[Nodes, Meta(description="Nodes of the pool ads on the public site.")] = 3
    ad_nodes_max: Annotated[Nodes, Meta(description="Upper bound of the scaler of the pool ads; 0: no scaler.")] = 0  # fmt: skip
    ad_runtime: Annotated[Literal["process", "kwok"], Meta(description="Driver local: nodes of the pool ads run pods (process) or only say so (kwok).")] = "process"  # fmt: skip
    ad_spot: Annotated[bool, Meta(description="Clouds: spot capacity for the pool ads; everything else is on demand.")] = True  # fmt: skip
    edge_nodes: Annotated[Nodes, Meta(description="Nodes of the pool edge on the public site: edge router and clicks.")] = 2  # fmt: skip
    core_nodes: Annotated[Nodes, Meta(description="Nodes of the pool core on the private site: whatever holds sensitive data.")] = 2  # fmt: skip
    reserve_nodes: Annotated[Nodes, Meta(description="Nodes of the pool reserve on the private site: public services kept for a cut.")] = 1  # fmt: skip
    prometheus: Annotated[bool, Meta(description="Driver local: a Prometheus beside the cluster.")] = False  # fmt: skip
    stores: Annotated[bool, Meta(description="Driver local: a Kafka broker beside the cluster, on the private site also PostgreSQL; the fabric finds them by itself.")] = True  # fmt: skip
    create_s: Annotated[Seconds, Meta(description="Seconds a cluster or node pool may take to come up.")] = 1800  # fmt: skip
    await_s: Annotated[Seconds, Meta(description="Seconds a Kubernetes resource may take to become ready.")] = 300  # fmt: skip

    kubeconfig: Annotated[str, Meta(description="Driver existing: the kubeconfig's text.", extra={"secret": True})] = ""  # fmt: skip
    kubeconfig_file: Annotated[str, Meta(description="Driver existing: a kubeconfig's path, instead of kubeconfig.")] = ""  # fmt: skip
    cluster_identifier: Annotated[str, Meta(description="Drivers existing, k3s-ssh: a name that stays for the life of the cluster; new credentials then replace nothing.")] = ""  # fmt: skip
    kubernetes_version: Annotated[str, Meta(description="Drivers eks, ack, k3s-ssh: version of the control plane.")] = ""  # fmt: skip
    region: Annotated[str, Meta(description="Drivers eks, ack: where.")] = ""
    vpc_id: Annotated[str, Meta(description="Drivers eks, ack: the network the cluster is put into.")] = ""  # fmt: skip
    subnet_ids: Annotated[tuple[str, ...], Meta(description="Drivers eks, ack: private subnets (vSwitches), at least two zones.")] = ()  # fmt: skip
    api_networks: Annotated[tuple[str, ...], Meta(description="Driver eks: networks the API server may be reached from; empty makes it private, 0.0.0.0/0 is refused.")] = ()  # fmt: skip
    node_type: Annotated[str, Meta(description="Drivers eks, ack: instance type of all pools.")] = ""  # fmt: skip
    ssh_host: Annotated[str, Meta(description="Driver k3s-ssh: the host that becomes the server.")] = ""  # fmt: skip
    ssh_agents: Annotated[tuple[str, ...], Meta(description="Driver k3s-ssh: hosts that join as agents.")] = ()  # fmt: skip
    ssh_user: Annotated[str, Meta(description="Driver k3s-ssh: a user who may sudo without a password.")] = "root"  # fmt: skip
    ssh_host_key: Annotated[str, Meta(description="Driver k3s-ssh: the hosts' public key, so that no other host is trusted.")] = ""  # fmt: skip
    ssh_key: Annotated[str, Meta(description="Driver k3s-ssh: the private key.", extra={"secret": True})] = ""  # fmt: skip
    k3s_token: Annotated[str, Meta(description="Driver k3s-ssh: the secret that agents join with, 32 characters or more.", extra={"secret": True})] = ""  # fmt: skip

    organization: Annotated[str, Meta(min_length=1, description="Fabric: of the cluster stacks; organization for a file backend.")] = "organization"  # fmt: skip
    sites: Annotated[tuple[Literal["public", "private"], ...], Meta(min_length=1, description="Fabric: sites to install on; leave one out while its cluster has never been up.")] = ("public", "private")  # fmt: skip
    pooled_sites: Annotated[tuple[Literal["public", "private"], ...], Meta(description="Fabric: sites whose nodes carry isthmus.dev/pool, so that pods are bound to their pool; not those of drivers existing and k3s-ssh unless labelled.")] = ("public", "private")  # fmt: skip
    image: Annotated[str, Meta(min_length=1, description="Fabric: the image of every program; the default makes process nodes run them from this checkout.")] = PROCESS_IMAGE  # fmt: skip
    ad_replicas: Annotated[Replicas, Meta(description="Fabric: pods of ads on the public site, at least.")] = 3  # fmt: skip
    ad_replicas_max: Annotated[ReplicasMax, Meta(description="Fabric: pods of ads, at most; 0: no scaler.")] = 12  # fmt: skip
    router_replicas: Annotated[
        Replicas, Meta(description="Fabric: pods of each router, at least.")
    ] = 2
    router_replicas_max: Annotated[ReplicasMax, Meta(description="Fabric: pods of each router, at most; 0: no scaler.")] = 4  # fmt: skip
    edge_exposure: Annotated[Literal["ClusterIP", "NodePort", "LoadBalancer"], Meta(description="Fabric: how the ads host is reached.")] = "ClusterIP"  # fmt: skip
    core_exposure: Annotated[Literal["ClusterIP", "NodePort"], Meta(description="Fabric: how the API host is reached; a private site gets no public load balancer.")] = "ClusterIP"  # fmt: skip
    client_networks: Annotated[tuple[str, ...], Meta(min_length=1, description="Fabric: networks clients of the routers come from.")] = ("0.0.0.0/0",)  # fmt: skip
    public_api_networks: Annotated[tuple[str, ...], Meta(description="Fabric: networks of the public API server, if its endpoint is a name and it lies outside networks.")] = ()  # fmt: skip
    private_api_networks: Annotated[tuple[str, ...], Meta(description="Fabric: the same for the private API server.")] = ()  # fmt: skip
    kafka_public: Annotated[tuple[str, ...], Meta(description="Fabric: brokers of the public site, host:port. Empty: those of its cluster stack (driver local).")] = ()  # fmt: skip
    kafka_private: Annotated[tuple[str, ...], Meta(description="Fabric: brokers of the private site, host:port.")] = ()  # fmt: skip
    ledger_dsn: Annotated[str, Meta(description="Fabric: PostgreSQL of orders and profiles, without a password. Empty: that of the cluster stack (driver local).", extra={"secret": True})] = ""  # fmt: skip
    warehouse_dsn: Annotated[str, Meta(description="Fabric: PostgreSQL the bridge loads into, without a password.", extra={"secret": True})] = ""  # fmt: skip
    database_password: Annotated[str, Meta(description="Fabric: the password of both databases; they see it as PGPASSWORD.", extra={"secret": True})] = ""  # fmt: skip
    reserve_percent: Annotated[Percent, Meta(description="Fabric: percent of private capacity for spilled ads and clicks.")] = 50  # fmt: skip
    raised_percent: Annotated[Percent, Meta(description="Fabric: percent of private capacity for raised requests.")] = 25  # fmt: skip
    node_loss_s: Annotated[int, Meta(ge=0, le=3600, description="Fabric: seconds after which pods of a lost node are made anew elsewhere.")] = 5  # fmt: skip
    monitoring: Annotated[Literal["configmaps", "operator"], Meta(description="Fabric: rules and scrape targets as ConfigMaps, or as resources of the Prometheus operator.")] = "configmaps"  # fmt: skip
    monitoring_namespace: Annotated[str, Meta(min_length=1, description="Fabric: the namespace that may scrape metrics.")] = "monitoring"  # fmt: skip


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key as `Pulumi.yaml` declares it."""

    name: str
    kind: Kind
    description: str
    default: str | int | bool | tuple[str, ...]
    secret: bool


def keys() -> tuple[Key, ...]:
    """Every key in the order of `Settings`."""
    defaults = Settings()
    return tuple(
        Key(
            name=field.encode_name,
            kind=_kind(value := getattr(defaults, field.name)),
            description=str(_meta(field.name).description),
            default=value,
            secret=bool((_meta(field.name).extra or {}).get("secret")),
        )
        for field in msgspec.structs.fields(Settings)
    )


def _meta(field: str) -> Meta:
    return Settings.__annotations__[field].__metadata__[-1]


def _kind(default: object) -> Kind:
    match default:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case tuple():
            return "array"
        case _:
            return "string"


def parse(values: Mapping[str, str]) -> Settings:
    """The settings behind `values`, texts by key without project. Raises `ConfigError`."""
    known = {key.name: key for key in keys()}
    plain: dict[str, object] = {}
    for name, text in values.items():
        if name not in known:
            raise wrong(
                name, what="no such key", expected="a key of Pulumi.yaml",
                fix=did_you_mean(name, known),
            )  # fmt: skip
        plain[name] = _value(known[name], text)
    try:
        return msgspec.convert(plain, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise _refused(known, error) from error


def refuse_plain(values: Mapping[str, str], secret: Collection[str]) -> None:
    """Raise `ConfigError` for a credential that stands in the stack's file in plain; `secret` are the encrypted keys."""
    for key in keys():
        if key.secret and values.get(key.name) and key.name not in secret:
            raise wrong(
                key.name, what="stands in the stack's file in plain", expected="an encrypted value",
                fix=f"pulumi config set --secret {PROJECT}:{key.name}, and take the old value for known",
            )  # fmt: skip


def _value(key: Key, text: str) -> object:
    if key.kind != "array":
        return text
    try:
        return msgspec.json.decode(text, type=tuple[str, ...])
    except msgspec.MsgspecError as error:
        raise wrong(
            key.name, what="not a list", expected=f"a JSON list of texts. {key.description}",
            fix=f"pulumi config set --path '{PROJECT}:{key.name}[0]' VALUE",
        ) from error  # fmt: skip


def _refused(known: Mapping[str, Key], error: msgspec.ValidationError) -> ConfigError:
    text, _, place = str(error).partition(" - at ")
    name = place.strip("`").removeprefix("$.").partition("[")[0]
    key = known[name]
    # msgspec quotes an invalid enum value: what was written is no business of a message
    what = "is none of the values it may have" if text.startswith("Invalid enum") else text
    return wrong(
        name, what=what, expected=f"{_expected(key)}. {key.description}",
        fix=f"pulumi config set {PROJECT}:{name} {_sample(key)}",
    )  # fmt: skip


def _expected(key: Key) -> str:
    match key.kind:
        case "integer":
            return "a number in range"
        case "boolean":
            return "true or false"
        case "array":
            return "a list of texts"
        case "string":
            return "a text"


def _sample(key: Key) -> str:
    return "VALUE" if key.secret or not key.default else msgspec.json.encode(key.default).decode()


_ENCRYPT = " A secret: pulumi config set --secret."


def project_file() -> str:
    """`Pulumi.yaml`, whole.

    Secrets are not declared as such there: the engine refuses a stack that leaves out a key declared secret,
    whatever its default. `refuse_plain` does what the declaration would.
    """
    lines = [
        "# Written by `python -m infra.project`; what may be configured stands in infra/config.py.",
        f"name: {PROJECT}",
        "description: Two clusters and the fabric that joins them; a sensitive byte never reaches the public one.",
        "main: infra",
        "runtime: {name: python}",
        "config:",
    ]
    for key in keys():
        lines += [
            f"  {key.name}:",
            f"    type: {key.kind}",
            f"    description: {msgspec.json.encode(key.description + _ENCRYPT * key.secret).decode()}",
        ]
        if key.kind == "array":
            lines.append("    items: {type: string}")
        lines.append(f"    default: {msgspec.json.encode(key.default).decode()}")
    return "\n".join(lines) + "\n"
