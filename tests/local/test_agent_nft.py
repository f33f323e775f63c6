"""Rulesets as nftables text: the text, and (with nft and root) that nft takes it."""

import os
import shutil
import subprocess
from ipaddress import IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.agent_nft import pod_ruleset, rule_text
from local.agent_policy import Accept, Ruleset

NODE = ("10.97.1.254", "10.97.0.1")
EVERYWHERE = IPv4Network("0.0.0.0/0")
ONE = IPv4Network("10.97.2.2/32")


def test_an_open_pod_has_no_table() -> None:
    """What was loaded before goes."""
    assert pod_ruleset(Ruleset(), node_addresses=NODE) == (
        "add table inet isthmus\ndelete table inet isthmus\n"
    )


def test_default_deny_lets_replies_loopback_and_the_nodes_probes_through() -> None:
    """And nothing else: the chain's policy is drop."""
    text = pod_ruleset(Ruleset(ingress=()), node_addresses=NODE)
    assert "hook input priority filter; policy drop;" in text
    assert "output" not in text
    accepts = [line.strip() for line in text.splitlines() if line.endswith("accept")]
    assert accepts == [
        'iifname "lo" accept',
        "ct state established,related accept",
        "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
        "ip saddr 10.97.1.254 accept",
        "ip saddr 10.97.0.1 accept",
    ]


def test_the_node_is_no_target_of_its_own() -> None:
    """Only probes come from it: egress to the node needs a rule like any other."""
    text = pod_ruleset(Ruleset(egress=()), node_addresses=NODE)
    assert "10.97.1.254" not in text
    assert "hook output" in text


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        (Accept(networks=(EVERYWHERE,)), "meta nfproto ipv4 accept"),
        (Accept(networks=(ONE,)), "meta nfproto ipv4 ip saddr 10.97.2.2 accept"),
        (
            Accept(networks=(IPv4Network("10.0.0.0/8"), ONE), exceptions=(ONE,)),
            "meta nfproto ipv4 ip saddr 10.0.0.0/8 ip saddr != 10.97.2.2 accept",
        ),
        (
            Accept(networks=(EVERYWHERE,), protocol="TCP", first_port=80, last_port=80),
            "meta nfproto ipv4 tcp dport 80 accept",
        ),
        (
            Accept(networks=(EVERYWHERE,), protocol="UDP", first_port=5, last_port=9),
            "meta nfproto ipv4 udp dport 5-9 accept",
        ),
        (
            Accept(networks=(EVERYWHERE,), protocol="SCTP"),
            "meta nfproto ipv4 meta l4proto sctp accept",
        ),
    ],
)
def test_one_rule(accept, text) -> None:
    """Networks without overlaps, exceptions, ports."""
    assert rule_text(accept, "saddr") == text


NETWORKS = st.lists(
    st.builds(
        lambda number, length: IPv4Network((number, length), strict=False),
        st.integers(0, 2**32 - 1), st.integers(0, 32),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
ACCEPTS = st.builds(
    lambda networks, exceptions, protocol, first, more: Accept(
        networks=tuple(networks), exceptions=tuple(exceptions), protocol=protocol,
        first_port=first if protocol else 0,
        last_port=min(65535, first + more) if protocol else 65535,
    ),
    NETWORKS, NETWORKS | st.just([]), st.sampled_from([None, "TCP", "UDP", "SCTP"]),
    st.integers(0, 65535), st.integers(0, 65535),
)  # fmt: skip


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("nft") is None, reason="nft --check needs root and nftables"
)
@settings(max_examples=20, deadline=None)
@given(
    ingress=st.none() | st.lists(ACCEPTS, max_size=5),
    egress=st.none() | st.lists(ACCEPTS, max_size=5),
)
def test_nft_takes_every_ruleset(ingress, egress) -> None:
    """Whatever policies say, the text is one that the kernel would load (checked, not loaded)."""
    rules = Ruleset(
        ingress=None if ingress is None else tuple(ingress),
        egress=None if egress is None else tuple(egress),
    )
    text = pod_ruleset(rules, node_addresses=NODE)
    argv = ["unshare", "--net", "nft", "--check", "-f", "-"]
    run = subprocess.run(argv, input=text, text=True, capture_output=True, check=False)
    assert run.returncode == 0, f"{run.stderr}\n{text}"
