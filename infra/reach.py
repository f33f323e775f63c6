"""Lines between parties as the NetworkPolicy of one workload: who may come in, where it may go.

Pods of the own site are selected, everything else is networks. What is reached by name also needs the cluster's
DNS, and only then.
"""

import dataclasses
import urllib.parse
from collections.abc import Iterator

from pulumi_kubernetes import meta, networking

from infra.config import Settings
from infra.lines import Line, Party
from infra.names import PORT_HTTP, PORT_PROBE, Site
from infra.needs import Place, address_of, brokers, database_place, kafka_key
from infra.pods import selector
from infra.workloads import Workload

PORT_DNS = 53


@dataclasses.dataclass(frozen=True, kw_only=True)
class Places:
    """Where the parties outside the pods are; `networks` and `endpoints` (API servers) by site."""

    settings: Settings
    networks: dict[Site, list[str]]
    endpoints: dict[Site, str]


def policy_spec(
    workload: Workload, allowed: tuple[Line, ...], places: Places
) -> networking.v1.NetworkPolicySpecArgs:
    """Everything that is not in `allowed` is closed, both ways."""
    incoming = [line.source for line in allowed if _is(line.target, workload)]
    outgoing = [line.target for line in allowed if _is(line.source, workload)]
    egress = [rule for party in outgoing for rule in _egress(party, workload, places)]
    if any(place.named for party in outgoing for place in _places(party, places)):
        egress.append(_dns())
    return networking.v1.NetworkPolicySpecArgs(
        pod_selector=meta.v1.LabelSelectorArgs(match_labels=selector(workload.name)),
        policy_types=["Ingress", "Egress"],
        ingress=[_ingress(party, workload, places) for party in incoming],
        egress=egress,
    )


def _is(party: Party, workload: Workload) -> bool:
    return (party.kind, party.site, party.name) == ("workload", workload.site, workload.name)


def _ingress(
    party: Party, workload: Workload, places: Places
) -> networking.v1.NetworkPolicyIngressRuleArgs:
    scraped = PORT_PROBE if workload.router else PORT_HTTP
    return networking.v1.NetworkPolicyIngressRuleArgs(
        from_=_sources(party, workload, places),
        ports=[_tcp(scraped if party.kind == "scraper" else PORT_HTTP)],
    )


def _sources(
    party: Party, workload: Workload, places: Places
) -> list[networking.v1.NetworkPolicyPeerArgs]:
    if party.kind == "clients":
        return _blocks(list(places.settings.client_networks))
    if party.kind == "scraper":
        namespace = {"kubernetes.io/metadata.name": places.settings.monitoring_namespace}
        return [
            networking.v1.NetworkPolicyPeerArgs(
                namespace_selector=meta.v1.LabelSelectorArgs(match_labels=namespace)
            )
        ]
    if party.site == workload.site:
        return [_pods(party.name)]
    return _blocks(places.networks[party.site])


def _egress(
    party: Party, workload: Workload, places: Places
) -> Iterator[networking.v1.NetworkPolicyEgressRuleArgs]:
    if party.kind == "workload":
        own = party.site == workload.site
        to = [_pods(party.name)] if own else _blocks(places.networks[party.site])
        yield networking.v1.NetworkPolicyEgressRuleArgs(to=to, ports=[_tcp(PORT_HTTP)])
        return
    for place in _places(party, places):
        address = address_of(place.host)
        if place.host:
            blocks = [f"{address}/{address.max_prefixlen}"] if address else _home(party, places)
            yield networking.v1.NetworkPolicyEgressRuleArgs(
                to=_blocks(blocks), ports=[_tcp(place.port)]
            )


def _places(party: Party, places: Places) -> tuple[Place, ...]:
    """Where a party that is no pod listens."""
    settings = places.settings
    match party.kind:
        case "kafka":
            return brokers(settings, kafka_key(party.site))
        case "ledger" | "warehouse":
            place = database_place(settings, f"{party.kind}Dsn")
            return (place,) if place else ()
        case "api":
            url = urllib.parse.urlsplit(places.endpoints[party.site])
            return (Place(host=url.hostname or "", port=url.port or 443),)
        case "workload" | "clients" | "scraper":
            return ()


def _home(party: Party, places: Places) -> list[str]:
    """The networks a party known by name lies in: its site's, or those said to be the API server's."""
    settings = places.settings
    told = settings.public_api_networks if party.site == "public" else settings.private_api_networks
    return list(told) if party.kind == "api" and told else places.networks[party.site]


def _dns() -> networking.v1.NetworkPolicyEgressRuleArgs:
    system = {"kubernetes.io/metadata.name": "kube-system"}
    return networking.v1.NetworkPolicyEgressRuleArgs(
        to=[
            networking.v1.NetworkPolicyPeerArgs(
                namespace_selector=meta.v1.LabelSelectorArgs(match_labels=system),
                pod_selector=meta.v1.LabelSelectorArgs(match_labels={"k8s-app": "kube-dns"}),
            )
        ],
        ports=[
            networking.v1.NetworkPolicyPortArgs(port=PORT_DNS, protocol=protocol)
            for protocol in ("UDP", "TCP")
        ],
    )


def _pods(name: str) -> networking.v1.NetworkPolicyPeerArgs:
    return networking.v1.NetworkPolicyPeerArgs(
        pod_selector=meta.v1.LabelSelectorArgs(match_labels=selector(name))
    )


def _blocks(networks: list[str]) -> list[networking.v1.NetworkPolicyPeerArgs]:
    return [
        networking.v1.NetworkPolicyPeerArgs(ip_block=networking.v1.IPBlockArgs(cidr=network))
        for network in networks
    ]


def _tcp(port: int) -> networking.v1.NetworkPolicyPortArgs:
    return networking.v1.NetworkPolicyPortArgs(port=port, protocol="TCP")
