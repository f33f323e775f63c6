"""The topology as frozen structs: which sites exist, what runs where, in order of preference.

The loader (`load_topology`) refuses a site the policy does not name and an address outside its networks.
"""

import ipaddress

import msgspec

from policy.model import Model, SiteName

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Endpoint(Model, frozen=True, kw_only=True):
    """One address of a service."""

    host: str
    port: int
    node: str
    zone: str = ""

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


class KafkaSite(Model, frozen=True, kw_only=True):
    """A site's broker: bootstrap `host:port` list and an optional client properties file."""

    bootstrap: tuple[str, ...]
    client: str = ""


class KubernetesService(Model, frozen=True, kw_only=True):
    """A service whose endpoints are found in a cluster's EndpointSlices while the router runs.

    `kubeconfig` is `file:PATH`; `port` the name of the service's port, or the number its pods listen on.
    """

    kubeconfig: str
    namespace: str
    service: str
    port: str | int


class Site(Model, frozen=True, kw_only=True):
    """One site. `reserve` maps a service name, or `raised`, to a share (0..1) of private capacity.

    A service named in `kubernetes` stands in `services` too, without endpoints until they are found.
    """

    name: SiteName
    networks: tuple[Network, ...]
    services: dict[str, tuple[Endpoint, ...]]
    reserve: dict[str, float]
    kubernetes: dict[str, KubernetesService] = msgspec.field(default_factory=dict)
    kafka: KafkaSite | None = None
    warehouse_dsn: str = ""
    ca: str = ""


class Topology(Model, frozen=True, kw_only=True):
    """Sites in order of preference; `digest` is the SHA-256 (hex) of the file's bytes."""

    version: str
    sites: tuple[Site, ...]
    digest: str

    def site(self, name: SiteName) -> Site | None:
        """The site of that name, if the topology has it."""
        return next((site for site in self.sites if site.name == name), None)
