"""What a node agent is started with (`python -m local.agent --settings FILE`), as JSON.

Written by `local.clusters`, one file per process node; only this folder reads it, so it is no contract.
"""

from ipaddress import IPv4Address, IPv4Network
from typing import Literal

import msgspec

from contracts.base import Contract

IMAGE = "isthmus.local/process"
"""The one image a process node has; a tag or digest behind it is taken as the same."""


class ProcessImage(Contract, frozen=True, kw_only=True):
    """What a container image would bring: its entry point, working directory and environment.

    A container that names no `command` runs `entrypoint` with its `args`.
    """

    entrypoint: tuple[str, ...]
    working_directory: str
    environ: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class AgentSettings(Contract, frozen=True, kw_only=True):
    """One process node.

    `kubeconfig`: its server must be reachable from the site's network namespace and from the pods; its client
    certificate also serves the kubelet port. `directory` (0700, made) holds the node's pods, logs and files.
    `cgroup` is relative to the cgroup v2 mount, e.g. `isthmus-ab12/public/ads-1`; the agent joins `…/agent`.
    `network` is the node's /24: `.254` is the node's own address, pods get `.2` to `.253`. `site_network` is the
    site's pod range, `gateway` the bridge's address in it. `namespace_prefix` is `is<id>`. `taints` are
    `key=value:Effect` or `key:Effect`. The ready file names `kubelet`. `labels` are added to the three of the
    pool. `hidden` directories are empty for pods, beside the node's own and the kubeconfig's. Seconds:
    `lease_s` between two renewals, `back_off_s` before the second restart (the kubelet's 10).
    """

    schema: int = 1
    name: str
    pool: str
    traffic_class: Literal["public", "sensitive"]
    kubeconfig: str
    directory: str
    ready: str
    cgroup: str
    network: str
    site_network: str
    gateway: str
    bridge: str = "pods"
    namespace_prefix: str
    image: ProcessImage
    hidden: tuple[str, ...] = ()
    labels: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    taints: tuple[str, ...] = ()
    cpu_millicores: int = 4000
    memory_mib: int = 8192
    pods_max: int = 32
    kubelet_port: int = 10250
    lease_s: float = 1.0
    lease_duration_s: int = 4
    back_off_s: float = 10.0


class SettingsError(Exception):
    """The settings cannot be used; says which key, what was expected and the fix."""


def read_settings(data: bytes) -> AgentSettings:
    """The settings of a file's bytes, its networks checked against one another. Raises `SettingsError`."""
    try:
        settings = msgspec.json.decode(data, type=AgentSettings)
        network, site = IPv4Network(settings.network), IPv4Network(settings.site_network)
        gateway = IPv4Address(settings.gateway)
    except ValueError as error:  # msgspec's errors are ValueErrors
        raise SettingsError(f"{error}; expected agent settings as JSON") from error
    if network.prefixlen != 24 or not network.subnet_of(site):
        raise SettingsError(f"network: {network}: expected a /24 inside site_network {site}")
    if gateway not in site:
        raise SettingsError(f"gateway: {gateway}: expected an address in site_network {site}")
    for taint in settings.taints:
        if taint.rpartition(":")[2] not in {"NoSchedule", "PreferNoSchedule", "NoExecute"}:
            raise SettingsError(f"taints: {taint}: expected key=value:Effect or key:Effect")
    return settings


def node_address(settings: AgentSettings) -> IPv4Address:
    """The node's own address: the last host of its /24, so that it never is the site's gateway."""
    return IPv4Network(settings.network)[254]


def pod_addresses(settings: AgentSettings) -> tuple[IPv4Address, ...]:
    """What pods may get, in order: not the gateway's, the node's or the network's ends."""
    network = IPv4Network(settings.network)
    gateway = IPv4Address(settings.gateway)
    return tuple(address for address in list(network)[2:254] if address != gateway)


def next_address(settings: AgentSettings, used: frozenset[str], *, last: str) -> str | None:
    """The first free address after `last`, around; None when all are in use.

    Going around, not back to the first free one: peers keep connections and neighbour entries to an address
    that just went away.
    """
    addresses = [str(address) for address in pod_addresses(settings)]
    start = addresses.index(last) + 1 if last in addresses else 0
    ordered = addresses[start:] + addresses[:start]
    return next((address for address in ordered if address not in used), None)
