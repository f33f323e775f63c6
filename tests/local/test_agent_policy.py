"""NetworkPolicies compiled: examples of each rule, and against a second, naive reading of the specification."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.agent_objects import Meta, PodAddress
from local.agent_parts import Port
from local.agent_policy import (
    Accept,
    Cluster,
    IpBlock,
    Namespace,
    NetworkPolicy,
    PeerContainer,
    PeerPod,
    PeerSpec,
    PeerStatus,
    PolicyPeer,
    PolicyPort,
    PolicyRule,
    PolicySpec,
    Requirement,
    Selector,
    compile_rules,
    selects,
)


def peer(name, ip, *, namespace="shop", ports=(), phase="Running", host=False, **labels) -> PeerPod:
    return PeerPod(
        metadata=Meta(name=name, namespace=namespace, uid=name, labels=labels),
        spec=PeerSpec(containers=(PeerContainer(ports=ports),), host_network=host),
        status=PeerStatus(phase=phase, pod_ips=(PodAddress(ip=ip),) if ip else ()),
    )


def policy(**spec) -> NetworkPolicy:
    return NetworkPolicy(metadata=Meta(name="p", namespace="shop"), spec=PolicySpec(**spec))


HTTP = (Port(container_port=8080, name="http"),)
ADS = peer("ads", "10.97.1.2", app="ads", ports=HTTP)
ROUTER = peer("router", "10.97.2.2", app="router")
OTHER = peer("other", "10.97.2.3", namespace="ops", app="router")
NAMESPACES = {
    "shop": Namespace(metadata=Meta(name="shop", labels={"kubernetes.io/metadata.name": "shop"})),
    "ops": Namespace(metadata=Meta(name="ops", labels={"team": "ops"})),
}
OPS = Selector(match_labels={"team": "ops"})
FROM_ROUTER = PolicyPeer(pod_selector=Selector(match_labels={"app": "router"}))


def rules_of(*policies, pods=(ADS, ROUTER, OTHER), about=ADS):
    return compile_rules(about, Cluster(policies=policies, namespaces=NAMESPACES, pods=pods))


def networks(accepts) -> set[str]:
    assert accepts is not None
    return {str(network) for accept in accepts for network in accept.networks}


def test_a_pod_nobody_selects_is_open() -> None:
    """In both directions; a policy of another namespace or for other pods changes nothing."""
    elsewhere = NetworkPolicy(metadata=Meta(name="p", namespace="ops"))
    others = policy(pod_selector=Selector(match_labels={"app": "x"}))
    got = rules_of(elsewhere, others)
    assert (got.ingress, got.egress) == (None, None)


@pytest.mark.parametrize(
    ("types", "ingress", "egress"),
    [(("Ingress",), (), None), (("Egress",), None, ()), (("Ingress", "Egress"), (), ()), ((), (), None)],
)  # fmt: skip
def test_default_deny(types, ingress, egress) -> None:
    """No rules is nothing; without types it is about ingress."""
    got = rules_of(policy(policy_types=types))
    assert (got.ingress, got.egress) == (ingress, egress)


def test_an_empty_rule_is_everybody() -> None:
    """No peers and no ports: all of them."""
    got = rules_of(policy(ingress=(PolicyRule(),)))
    assert got.ingress == (Accept(networks=(IPv4Network("0.0.0.0/0"),)),)


def test_selectors_become_addresses() -> None:
    """Pods of the policy's namespace, of another one, or of both selectors together."""
    mine = policy(ingress=(PolicyRule(sources=(FROM_ROUTER,)),))
    assert networks(rules_of(mine).ingress) == {"10.97.2.2/32"}
    theirs = policy(ingress=(PolicyRule(sources=(PolicyPeer(namespace_selector=OPS),)),))
    assert networks(rules_of(theirs).ingress) == {"10.97.2.3/32"}
    nobody = PolicyPeer(namespace_selector=OPS, pod_selector=Selector(match_labels={"app": "ads"}))
    assert rules_of(policy(ingress=(PolicyRule(sources=(nobody,)),))).ingress == ()


def test_pods_that_ended_have_no_address_or_share_the_nodes_are_nobody() -> None:
    """An ended pod's address may be another pod's by now."""
    pods = (
        peer("done", "10.97.3.1", app="router", phase="Succeeded"),
        peer("new", "", app="router"),
        peer("host", "10.97.3.254", app="router", host=True),
        peer("six", "fd00::1", app="router"),
    )
    assert rules_of(policy(ingress=(PolicyRule(sources=(FROM_ROUTER,)),)), pods=pods).ingress == ()


def test_blocks_have_exceptions_and_ipv6_ones_are_nothing() -> None:
    """Pods here have no IPv6 address."""
    block = PolicyPeer(ip_block=IpBlock(cidr="10.0.0.0/8", exceptions=("10.98.0.0/16",)))
    six = PolicyPeer(ip_block=IpBlock(cidr="fd00::/8"))
    (only,) = rules_of(policy(egress=(PolicyRule(targets=(block, six)),))).egress or ()
    assert only == Accept(
        networks=(IPv4Network("10.0.0.0/8"),), exceptions=(IPv4Network("10.98.0.0/16"),)
    )


def test_ports_by_number_range_name_and_protocol() -> None:
    """A named ingress port is the pod's own; a name nobody has opens nothing."""
    ports = (
        PolicyPort(port="http"), PolicyPort(port="none"), PolicyPort(port=9, end_port=11),
        PolicyPort(protocol="UDP", port=53), PolicyPort(protocol="UDP"),
    )  # fmt: skip
    got = rules_of(policy(ingress=(PolicyRule(ports=ports),))).ingress or ()
    assert {(it.protocol, it.first_port, it.last_port) for it in got} == {
        ("TCP", 8080, 8080), ("TCP", 9, 11), ("UDP", 53, 53), ("UDP", 0, 65535),
    }  # fmt: skip


def test_a_named_egress_port_is_the_targets() -> None:
    """Each target may have another number behind the name."""
    pods = (
        peer("a", "10.97.5.1", app="db", ports=(Port(container_port=1, name="sql"),)),
        peer("b", "10.97.5.2", app="db", ports=(Port(container_port=2, name="sql"),)),
    )
    to_db = PolicyPeer(pod_selector=Selector(match_labels={"app": "db"}))
    rule = PolicyRule(targets=(to_db,), ports=(PolicyPort(port="sql"),))
    got = rules_of(policy(policy_types=("Egress",), egress=(rule,)), pods=pods).egress or ()
    assert {(str(it.networks[0]), it.first_port) for it in got} == {
        ("10.97.5.1/32", 1), ("10.97.5.2/32", 2),
    }  # fmt: skip


LABELS = st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy"), max_size=2)
OPERATORS = st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"])
REQUIREMENTS = st.builds(
    lambda key, operator, values: Requirement(key=key, operator=operator, values=tuple(values)),
    st.sampled_from("ab"), OPERATORS, st.lists(st.sampled_from("xy"), min_size=1, max_size=2),
)  # fmt: skip
SELECTORS = st.builds(
    lambda labels, expressions: Selector(match_labels=labels, match_expressions=tuple(expressions)),
    LABELS, st.lists(REQUIREMENTS, max_size=2),
)  # fmt: skip


@given(selector=SELECTORS, labels=LABELS)
def test_selectors_against_a_naive_reading(selector, labels) -> None:
    """Every label and every expression, as the API documents them."""
    expected = all(item in labels.items() for item in selector.match_labels.items())
    for it in selector.match_expressions:
        there = it.key in labels
        expected &= {
            "In": there and labels[it.key] in it.values,
            "NotIn": not there or labels[it.key] not in it.values,
            "Exists": there,
            "DoesNotExist": not there,
        }[it.operator]
    assert selects(selector, labels) is expected


ADDRESSES = ["10.97.1.2", "10.97.2.2", "10.97.2.3", "10.98.0.9", "8.8.8.8"]
BLOCKS = st.builds(
    lambda cidr, exceptions: IpBlock(cidr=cidr, exceptions=tuple(exceptions)),
    st.sampled_from(["10.0.0.0/8", "10.97.2.0/24", "0.0.0.0/0"]),
    st.lists(st.sampled_from(["10.97.2.2/32", "10.98.0.0/16"]), max_size=2, unique=True),
)
PEERS = st.one_of(
    st.builds(lambda block: PolicyPeer(ip_block=block), BLOCKS),
    st.builds(
        lambda pods, spaces: PolicyPeer(pod_selector=pods, namespace_selector=spaces),
        SELECTORS, st.none() | st.just(OPS) | st.just(Selector()),
    ),
)  # fmt: skip
PORTS = st.builds(
    lambda protocol, port, more: PolicyPort(
        protocol=protocol, port=port, end_port=None if port is None else port + more
    ),
    st.sampled_from(["TCP", "UDP"]), st.none() | st.sampled_from([53, 80]), st.integers(0, 30),
)  # fmt: skip
RULES = st.builds(
    lambda peers, ports: PolicyRule(sources=tuple(peers), targets=tuple(peers), ports=tuple(ports)),
    st.lists(PEERS, max_size=3), st.lists(PORTS, max_size=2),
)  # fmt: skip
POLICIES = st.builds(
    lambda chosen, types, rules: policy(
        pod_selector=chosen, policy_types=tuple(types), ingress=tuple(rules), egress=tuple(rules)
    ),
    SELECTORS,
    st.lists(st.sampled_from(["Ingress", "Egress"]), min_size=1, max_size=2, unique=True),
    st.lists(RULES, max_size=2),
)
LABELLED = st.lists(LABELS, min_size=3, max_size=3)


def lets(accepts, address, protocol, port) -> bool:
    """What a compiled direction does with a packet."""
    if accepts is None:
        return True
    return any(
        any(address in network for network in it.networks)
        and not any(address in network for network in it.exceptions)
        and it.protocol in {None, protocol}
        and it.first_port <= port <= it.last_port
        for it in accepts
    )


def allowed(policies, pods, direction, address, *, protocol, port) -> bool:
    """The specification read once more, peer by peer, without compiling anything."""
    mine = [
        it for it in policies
        if selects(it.spec.pod_selector, pods[0].metadata.labels) and direction in it.spec.policy_types
    ]  # fmt: skip
    if not mine:
        return True
    owners = [it for it in pods if it.status.pod_ips[0].ip == str(address)]
    for one in mine:
        for rule in one.spec.ingress if direction == "Ingress" else one.spec.egress:
            peers = rule.sources
            port_fits = not rule.ports or any(
                it.protocol == protocol
                and (it.port is None or it.port <= port <= (it.end_port or it.port))
                for it in rule.ports
            )
            if port_fits and (not peers or any(_fits(it, address, owners) for it in peers)):
                return True
    return False


def _fits(one, address, owners) -> bool:
    if one.ip_block is not None:
        inside = address in IPv4Network(one.ip_block.cidr)
        return inside and not any(address in IPv4Network(it) for it in one.ip_block.exceptions)
    for owner in owners:
        namespace = owner.metadata.namespace
        if one.namespace_selector is None:
            here = namespace == "shop"
        else:
            here = selects(one.namespace_selector, NAMESPACES[namespace].metadata.labels)
        if here and selects(one.pod_selector, owner.metadata.labels):
            return True
    return False


@settings(max_examples=300, deadline=None)
@given(
    policies=st.lists(POLICIES, max_size=3), labels=LABELLED, address=st.sampled_from(ADDRESSES),
    protocol=st.sampled_from(["TCP", "UDP"]), port=st.sampled_from([1, 53, 80, 90, 65535]),
)  # fmt: skip
def test_compiled_rules_against_a_naive_reading(policies, labels, address, protocol, port) -> None:
    """Every packet is let through exactly when the specification says so, in both directions."""
    pods = (
        peer("ads", "10.97.1.2", **labels[0]),
        peer("router", "10.97.2.2", **labels[1]),
        peer("other", "10.97.2.3", namespace="ops", **labels[2]),
    )
    got = rules_of(*policies, pods=pods, about=pods[0])
    where = IPv4Address(address)
    for direction, accepts in (("Ingress", got.ingress), ("Egress", got.egress)):
        expected = allowed(policies, pods, direction, where, protocol=protocol, port=port)
        assert lets(accepts, where, protocol, port) is expected
