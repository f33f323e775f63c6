"""Driver ack against mocks of the real SDK: THREAT_MODEL's lines for a public cloud."""

import json

import pulumi
import pytest

from tests.infra.drivers.clouds import cloud
from tests.infra.judged import violations

pytest.importorskip("pulumi_alicloud", reason="the extra infra-ack is not installed")
# the SDK warns of its own deprecated parts as it is imported
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_the_api_server_has_no_public_address() -> None:
    """Its listener cannot be kept to some networks here, so there is none to keep."""
    assert cloud("ack").one("ManagedKubernetes").at("slbInternetEnabled") is False
    with pytest.raises(pulumi.RunError, match="isthmus:apiNetworks: cannot be kept to"):
        cloud("ack", apiNetworks='["192.0.2.0/24"]')


def test_secrets_are_encrypted_under_a_key_that_rotates() -> None:
    """One of the cluster's own."""
    stack = cloud("ack")
    assert stack.one("Key").at("automaticRotation") == "Enabled"
    assert stack.one("ManagedKubernetes").at("encryptionProviderKey") == "public-secrets-id"


def test_nodes_are_hardened_and_have_no_public_bandwidth() -> None:
    """Tokens on the metadata service, encrypted disks."""
    pools = cloud("ack").all("NodePool")
    assert len(pools) == 2
    for it in pools:
        assert it.at("instanceMetadataOptions.httpTokens") == "required"
        assert it.at("systemDiskEncrypted") is True
        assert it.at("securityHardeningOs") is True
        assert it.at("internetMaxBandwidthOut") == 0


def test_node_pools_are_the_pools() -> None:
    """Labels, taints, spot and sizes; a scaler's size is left to it."""
    stack = cloud("ack", adNodes="3", adNodesMax="20")
    ads, edge = stack.one("NodePool", "public-ads"), stack.one("NodePool", "public-edge")
    assert (ads.at("spotStrategy"), edge.at("spotStrategy")) == ("SpotAsPriceGo", "NoSpot")
    assert {it["key"]: it["value"] for it in ads.at("labels")} == {
        "isthmus.dev/pool": "ads", "isthmus.dev/class": "public",
    }  # fmt: skip
    assert ads.at("taints.0.effect") == "NoSchedule"
    assert ads.at("desiredSize") is None
    assert (ads.at("scalingConfig.minSize"), ads.at("scalingConfig.maxSize")) == (3, 20)
    assert edge.at("desiredSize") == "2"


def test_network_policies_are_enforced() -> None:
    """By Terway's policy agent."""
    addons = {it["name"]: it for it in cloud("ack").one("ManagedKubernetes").at("addons")}
    assert json.loads(addons["terway-eniip"]["config"])["NetworkPolicy"] == "true"


def test_the_cluster_is_known_by_its_id_and_protected() -> None:
    """Its kubeconfig is secret; deleting takes a second thought."""
    stack = cloud("ack")
    provider = stack.one("kubernetes")
    assert provider.at("clusterIdentifier") == "public-id"
    assert provider.is_secret("kubeconfig")
    assert stack.one("ManagedKubernetes").at("deletionProtection") is True


def test_the_packs_rules_hold() -> None:
    """What this driver describes passes what the project demands of others."""
    assert [str(it) for it in violations(cloud("ack"), "prod-public")] == []
