"""topology.yaml to `Topology`, checked against the policy: every site named there, every address at home."""

import hashlib
import ipaddress
from itertools import combinations

from msgspec import UNSET

from policy.document import Document, read_document
from policy.files import (
    EndpointFile,
    KubernetesFile,
    ServiceFile,
    SiteTopologyFile,
    TopologyFile,
)
from policy.model import Policy
from policy.problems import did_you_mean
from policy.topology import Endpoint, KafkaSite, KubernetesService, Network, Site, Topology

RAISED = "raised"
"""The reserve name of raised requests, beside the services' own names."""


def load_topology(data: bytes, source: str, policy: Policy) -> Topology:
    """The topology of a file's bytes, judged under `policy`. Raises `PolicyError`."""
    document = read_document(data, source, TopologyFile)
    file = document.value
    if file is None:
        document.finish()
        raise AssertionError("a document without a value has problems")
    for name in document.keys("sites"):
        if name not in policy.sites:
            document.report(
                f"sites.{name}", f'the policy names no site "{name}"', expected="a site of the policy",
                fix=did_you_mean(name, policy.sites),
            )  # fmt: skip
    sites = tuple(_site(document, name, site) for name, site in file.sites.items())
    _check_overlap(document, policy, sites)
    document.finish()
    return Topology(version=file.version, sites=sites, digest=hashlib.sha256(data).hexdigest())


def _site(document: Document[TopologyFile], name: str, site: SiteTopologyFile) -> Site:
    path = f"sites.{name}"
    networks = _networks(document, site, path)
    complete = len(networks) == len(site.networks)
    home = networks if complete else ()
    services = {
        service: _service(document, found, path=f"{path}.services.{service}", home=home)
        for service, found in site.services.items()
    }
    for reserve in site.reserve:
        known = {*document.keys(f"{path}.services"), RAISED}
        if reserve not in known:
            document.report(
                f"{path}.reserve.{reserve}", f'no service "{reserve}" on this site',
                expected="a service of the site, or raised", fix=did_you_mean(reserve, known),
            )  # fmt: skip
    return Site(
        name=name,
        networks=networks,
        services=services,
        reserve=dict(site.reserve),
        kubernetes={
            service: _in_cluster(found.kubernetes)
            for service, found in site.services.items()
            if found.kubernetes is not UNSET
        },
        kafka=_kafka(document, site, path=path, home=home),
        warehouse_dsn="" if site.warehouse is UNSET else site.warehouse.dsn,
        ca="" if site.ca is UNSET else site.ca,
    )


def _networks(
    document: Document[TopologyFile], site: SiteTopologyFile, path: str
) -> tuple[Network, ...]:
    networks: list[Network] = []
    for n, text in enumerate(site.networks):
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError as error:
            document.report(
                f"{path}.networks[{n}]", f'"{text}": {error}', expected="a network such as 10.1.0.0/16",
                fix=_network_fix(text),
            )  # fmt: skip
    return tuple(networks)


def _network_fix(text: str) -> str:
    try:
        return f"write {ipaddress.ip_network(text, strict=False)}"
    except ValueError:
        return "correct the address and the prefix length"


def _service(
    document: Document[TopologyFile],
    service: ServiceFile,
    *,
    path: str,
    home: tuple[Network, ...],
) -> tuple[Endpoint, ...]:
    """The listed endpoints; none when they are to be found in a cluster."""
    written = [key for key in document.keys(path) if key in ("endpoints", "kubernetes")]
    if len(written) != 1:
        document.report(
            path, "says nothing of where it runs" if not written else "says twice where it runs",
            expected="either endpoints or kubernetes",
            fix="remove one of the two" if written else 'add "endpoints: …" or "kubernetes: …"',
        )  # fmt: skip
    if service.endpoints is UNSET:
        return ()
    return _endpoints(document, service.endpoints, path=f"{path}.endpoints", home=home)


def _in_cluster(file: KubernetesFile) -> KubernetesService:
    return KubernetesService(
        kubeconfig=file.kubeconfig,
        namespace=file.namespace,
        service=file.service,
        port=file.port,
    )


def _endpoints(
    document: Document[TopologyFile],
    endpoints: tuple[EndpointFile, ...],
    *,
    path: str,
    home: tuple[Network, ...],
) -> tuple[Endpoint, ...]:
    built: list[Endpoint] = []
    addresses: dict[str, int] = {}
    nodes: dict[str, int] = {}
    for n, endpoint in enumerate(endpoints):
        place = f"{path}[{n}]"
        host, port = _address(document, endpoint.address, path=f"{place}.address")
        _check_home(document, host, path=f"{place}.address", home=home, names_allowed=False)
        for kind, value, seen in (
            ("address", endpoint.address, addresses),
            ("node", endpoint.node, nodes),
        ):
            if value in seen:
                line = document.line(f"{path}[{seen[value]}].{kind}")
                document.report(
                    f"{place}.{kind}", f'{kind} "{value}" stands twice, first on line {line}',
                    expected="each node and address once in a service", fix="remove one of the two",
                )  # fmt: skip
            seen.setdefault(value, n)
        zone = "" if endpoint.zone is UNSET else endpoint.zone
        built.append(Endpoint(host=host, port=port, node=endpoint.node, zone=zone))
    return tuple(built)


def _kafka(
    document: Document[TopologyFile],
    site: SiteTopologyFile,
    *,
    path: str,
    home: tuple[Network, ...],
) -> KafkaSite | None:
    if site.kafka is UNSET:
        return None
    for n, address in enumerate(site.kafka.bootstrap):
        place = f"{path}.kafka.bootstrap[{n}]"
        host, _ = _address(document, address, path=place)
        _check_home(document, host, path=place, home=home, names_allowed=True)
    client = "" if site.kafka.client is UNSET else site.kafka.client
    return KafkaSite(bootstrap=site.kafka.bootstrap, client=client)


def _address(document: Document[TopologyFile], text: str, *, path: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not 1 <= int(port) <= 65535:
        document.report(
            path, f"port {port} does not exist", expected="a port from 1 to 65535",
            fix="write the port the service listens on",
        )  # fmt: skip
    return host.strip("[]"), int(port)


def _check_home(
    document: Document[TopologyFile],
    host: str,
    *,
    path: str,
    home: tuple[Network, ...],
    names_allowed: bool,
) -> None:
    """An address outside its site's networks could be another site's: a static one is an error."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if not names_allowed:
            document.report(
                path, f'"{host}" is no IP address', expected="an address inside the site's networks",
                fix="write the address: a name may resolve to anywhere",
            )  # fmt: skip
        return
    if home and not any(address in network for network in home):
        document.report(
            path, f"{host} lies outside the site's networks",
            expected=f"an address in {', '.join(str(network) for network in home)}",
            fix="correct the address, or list its network if the site owns it",
        )  # fmt: skip


def _check_overlap(
    document: Document[TopologyFile], policy: Policy, sites: tuple[Site, ...]
) -> None:
    known = [site for site in sites if site.name in policy.sites]
    for one, other in combinations(known, 2):
        if policy.sites[one.name].holds == policy.sites[other.name].holds:
            continue
        for n, network in enumerate(other.networks):
            for first in one.networks:
                if _overlap(network, first):
                    document.report(
                        f"sites.{other.name}.networks[{n}]",
                        f"{network} overlaps {first} of {one.name}, which holds other classes",
                        expected="disjoint networks between sites with different holds",
                        fix="give each site networks of its own",
                    )


def _overlap(one: Network, other: Network) -> bool:
    match one, other:
        case ipaddress.IPv4Network(), ipaddress.IPv4Network():
            return one.overlaps(other)
        case ipaddress.IPv6Network(), ipaddress.IPv6Network():
            return one.overlaps(other)
        case _:
            return False
