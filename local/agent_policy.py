"""NetworkPolicies of the cluster → what one pod may accept and send. Pure.

A pod that no policy selects for a direction is open in it; one that is selected may do the union of what its
policies list, and nothing else. Selectors become the addresses that the selected pods have now.
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Literal

import msgspec

from local.agent_objects import Meta, PodAddress
from local.agent_parts import ApiStruct, Port

Protocol = Literal["TCP", "UDP", "SCTP"]
EVERYWHERE = IPv4Network("0.0.0.0/0")
PORT_MAX = 65535


class Requirement(ApiStruct, frozen=True, kw_only=True):
    """One expression of a label selector."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


class Selector(ApiStruct, frozen=True, kw_only=True):
    """A label selector; an empty one selects everything."""

    match_labels: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    match_expressions: tuple[Requirement, ...] = ()


class IpBlock(ApiStruct, frozen=True, kw_only=True):
    """Addresses but for some."""

    cidr: str
    exceptions: tuple[str, ...] = msgspec.field(default=(), name="except")


class PolicyPeer(ApiStruct, frozen=True, kw_only=True):
    """Whom a rule is about."""

    pod_selector: Selector | None = None
    namespace_selector: Selector | None = None
    ip_block: IpBlock | None = None


class PolicyPort(ApiStruct, frozen=True, kw_only=True):
    """A port, a range, a port by name, or all of a protocol."""

    protocol: Protocol = "TCP"
    port: int | str | None = None
    end_port: int | None = None


class PolicyRule(ApiStruct, frozen=True, kw_only=True):
    """An ingress rule has `from`, an egress rule `to`; no peers are all peers, no ports all ports."""

    sources: tuple[PolicyPeer, ...] = msgspec.field(default=(), name="from")
    targets: tuple[PolicyPeer, ...] = msgspec.field(default=(), name="to")
    ports: tuple[PolicyPort, ...] = ()


class PolicySpec(ApiStruct, frozen=True, kw_only=True):
    """NetworkPolicySpec."""

    pod_selector: Selector = Selector()
    policy_types: tuple[Literal["Ingress", "Egress"], ...] = ()
    ingress: tuple[PolicyRule, ...] = ()
    egress: tuple[PolicyRule, ...] = ()


class NetworkPolicy(ApiStruct, frozen=True, kw_only=True):
    """A NetworkPolicy."""

    metadata: Meta
    spec: PolicySpec = PolicySpec()


class Namespace(ApiStruct, frozen=True, kw_only=True):
    """A namespace."""

    metadata: Meta


class PeerContainer(ApiStruct, frozen=True, kw_only=True):
    """A container's ports."""

    ports: tuple[Port, ...] = ()


class PeerSpec(ApiStruct, frozen=True, kw_only=True):
    """Of a pod elsewhere."""

    containers: tuple[PeerContainer, ...] = ()
    host_network: bool = False


class PeerStatus(ApiStruct, frozen=True, kw_only=True):
    """Of a pod elsewhere."""

    phase: str = ""
    pod_ips: tuple[PodAddress, ...] = msgspec.field(default=(), name="podIPs")


class PeerPod(ApiStruct, frozen=True, kw_only=True):
    """What selectors need of any pod."""

    metadata: Meta
    spec: PeerSpec = PeerSpec()
    status: PeerStatus = PeerStatus()


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """What policies are about, as last seen."""

    policies: tuple[NetworkPolicy, ...]
    namespaces: Mapping[str, Namespace]
    pods: tuple[PeerPod, ...]


class Accept(msgspec.Struct, frozen=True, kw_only=True):
    """Traffic with `networks` but for `exceptions`; `protocol` None is any, ports are inclusive."""

    networks: tuple[IPv4Network, ...]
    exceptions: tuple[IPv4Network, ...] = ()
    protocol: Protocol | None = None
    first_port: int = 0
    last_port: int = PORT_MAX


class Ruleset(msgspec.Struct, frozen=True, kw_only=True):
    """What is let through by direction; None is everything."""

    ingress: tuple[Accept, ...] | None = None
    egress: tuple[Accept, ...] | None = None


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether the labels match all of the selector."""
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return False
    return all(_meets(it, labels) for it in selector.match_expressions)


def _meets(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value in requirement.values
        case "NotIn":
            return value not in requirement.values  # a label that is not there is not in the set
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None


def compile_rules(pod: PeerPod, cluster: Cluster) -> Ruleset:
    """What the cluster's policies let this pod accept and send."""
    mine = [
        policy
        for policy in cluster.policies
        if policy.metadata.namespace == pod.metadata.namespace
        and selects(policy.spec.pod_selector, pod.metadata.labels)
    ]
    inwards = [policy for policy in mine if _is_about(policy, "Ingress")]
    outwards = [policy for policy in mine if _is_about(policy, "Egress")]
    return Ruleset(
        ingress=_sorted(_ingress(inwards, pod, cluster)) if inwards else None,
        egress=_sorted(_egress(outwards, cluster)) if outwards else None,
    )


def _is_about(policy: NetworkPolicy, direction: Literal["Ingress", "Egress"]) -> bool:
    if policy.spec.policy_types:
        return direction in policy.spec.policy_types
    return direction == "Ingress" or bool(policy.spec.egress)


def _sorted(accepts: Iterable[Accept]) -> tuple[Accept, ...]:
    return tuple(sorted(set(accepts), key=repr))


def _ingress(policies: Iterable[NetworkPolicy], pod: PeerPod, cluster: Cluster) -> Iterator[Accept]:
    for policy in policies:
        for rule in policy.spec.ingress:
            networks = list(_networks(rule.sources, policy, cluster))
            for accept in networks:
                yield from _with_ports(accept, rule.ports, named=(pod,))


def _egress(policies: Iterable[NetworkPolicy], cluster: Cluster) -> Iterator[Accept]:
    for policy in policies:
        for rule in policy.spec.egress:
            for accept in _networks(rule.targets, policy, cluster):
                yield from _with_ports(accept, rule.ports, named=_pods_in(accept, cluster))


def _networks(
    peers: tuple[PolicyPeer, ...], policy: NetworkPolicy, cluster: Cluster
) -> Iterator[Accept]:
    if not peers:
        yield Accept(networks=(EVERYWHERE,))
    for peer in peers:
        if peer.ip_block is not None:
            yield from _block(peer.ip_block)
        else:
            found = sorted(
                {address for it in _selected(peer, policy, cluster) for address in _addresses(it)}
            )
            # one Accept per pod: a port by name may be another number in each
            yield from (Accept(networks=(network,)) for network in found)


def _block(block: IpBlock) -> Iterator[Accept]:
    try:
        network = IPv4Network(block.cidr, strict=False)
    except AddressValueError:
        return  # IPv6: pods here have none
    exceptions = tuple(IPv4Network(it, strict=False) for it in block.exceptions)
    yield Accept(networks=(network,), exceptions=exceptions)


def _selected(peer: PolicyPeer, policy: NetworkPolicy, cluster: Cluster) -> Iterator[PeerPod]:
    for pod in cluster.pods:
        if pod.spec.host_network or pod.status.phase in {"Succeeded", "Failed"}:
            continue  # the node's address is no pod's; an ended pod's may be another's by now
        if peer.namespace_selector is None:
            inside = pod.metadata.namespace == policy.metadata.namespace
        else:
            namespace = cluster.namespaces.get(pod.metadata.namespace)
            inside = namespace is not None and selects(
                peer.namespace_selector, namespace.metadata.labels
            )
        if inside and selects(peer.pod_selector or Selector(), pod.metadata.labels):
            yield pod


def _addresses(pod: PeerPod) -> Iterator[IPv4Network]:
    for address in pod.status.pod_ips:
        try:
            yield IPv4Network(IPv4Address(address.ip))
        except AddressValueError:
            continue


def _pods_in(accept: Accept, cluster: Cluster) -> tuple[PeerPod, ...]:
    return tuple(pod for pod in cluster.pods if set(_addresses(pod)) & set(accept.networks))


def _with_ports(
    accept: Accept, ports: tuple[PolicyPort, ...], *, named: tuple[PeerPod, ...]
) -> Iterator[Accept]:
    if not ports:
        yield accept
    for port in ports:
        for first, last in _numbers(port, named):
            yield msgspec.structs.replace(
                accept, protocol=port.protocol, first_port=first, last_port=last
            )


def _numbers(port: PolicyPort, named: tuple[PeerPod, ...]) -> Iterator[tuple[int, int]]:
    match port.port:
        case None:
            yield 0, PORT_MAX
        case int(number):
            yield number, number if port.end_port is None else port.end_port
        case str(name):
            declared = (
                it for pod in named for container in pod.spec.containers for it in container.ports
            )
            for it in declared:
                if it.name == name and it.protocol == port.protocol:
                    yield it.container_port, it.container_port
