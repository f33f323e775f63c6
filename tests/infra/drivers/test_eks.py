"""Driver eks against mocks of the real SDK: THREAT_MODEL's lines for a public cloud."""

import json

import pulumi
import pytest

from infra.drivers.eks import exec_kubeconfig
from infra.kubeconfig import server_of
from tests.infra.drivers.clouds import cloud
from tests.infra.judged import violations

pytest.importorskip("pulumi_aws", reason="the extra infra-eks is not installed")
# the SDK warns of its own deprecated parts as it is imported
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_the_api_server_is_private_unless_networks_are_named() -> None:
    """Then it is open to those, and stays reachable from inside."""
    closed = cloud("eks").one("Cluster").at("vpcConfig")
    assert (closed["endpointPrivateAccess"], closed["endpointPublicAccess"]) == (True, False)
    opened = cloud("eks", apiNetworks='["192.0.2.0/24"]').one("Cluster").at("vpcConfig")
    assert opened["publicAccessCidrs"] == ["192.0.2.0/24"]
    assert (opened["endpointPrivateAccess"], opened["endpointPublicAccess"]) == (True, True)


def test_an_api_server_open_to_everybody_is_refused() -> None:
    """Before anything changes."""
    with pytest.raises(pulumi.RunError, match="isthmus:apiNetworks: opens the API server"):
        cloud("eks", apiNetworks='["0.0.0.0/0"]')


def test_secrets_are_encrypted_under_a_key_that_rotates() -> None:
    """One of the cluster's own."""
    stack = cloud("eks")
    assert stack.one("Key").at("enableKeyRotation") is True
    config = stack.one("Cluster").at("encryptionConfig")
    assert config["resources"] == ["secrets"]
    assert config["provider"]["keyArn"] == "arn:public-secrets"


def test_nodes_answer_only_to_imdsv2_one_hop_away_and_have_encrypted_disks() -> None:
    """A pod cannot ask for the node's credentials."""
    templates = cloud("eks").all("LaunchTemplate")
    assert len(templates) == 2
    for it in templates:
        assert it.at("metadataOptions.httpTokens") == "required"
        assert it.at("metadataOptions.httpPutResponseHopLimit") == 1
        assert it.at("blockDeviceMappings.0.ebs.encrypted") == "true"


def test_roles_have_what_nodes_and_control_plane_need_and_no_more() -> None:
    """A closed list; no administrator, no policy of ours with a star."""
    stack = cloud("eks")
    attached = {it.at("policyArn").rpartition("/")[2] for it in stack.all("RolePolicyAttachment")}
    assert attached == {
        "AmazonEKSClusterPolicy", "AmazonEKSWorkerNodeMinimalPolicy",
        "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy",
    }  # fmt: skip
    assert not stack.all("RolePolicy")
    for role in stack.all("Role"):
        statement = json.loads(role.at("assumeRolePolicy"))["Statement"]
        assert [it["Principal"].keys() for it in statement] == [{"Service"}]


def test_access_is_by_the_clouds_api_and_on_record() -> None:
    """No aws-auth ConfigMap; audit logs on."""
    cluster = cloud("eks").one("Cluster")
    assert cluster.at("accessConfig.authenticationMode") == "API"
    assert "audit" in cluster.at("enabledClusterLogTypes")


def test_node_groups_are_the_pools() -> None:
    """Labels, taints, spot and sizes; a scaler's size is left to it."""
    stack = cloud("eks", adNodes="3", adNodesMax="20")
    ads, edge = stack.one("NodeGroup", "public-ads"), stack.one("NodeGroup", "public-edge")
    assert (ads.at("capacityType"), edge.at("capacityType")) == ("SPOT", "ON_DEMAND")
    assert ads.at("labels") == {"isthmus.dev/pool": "ads", "isthmus.dev/class": "public"}
    assert ads.at("taints.0.effect") == "NO_SCHEDULE"
    assert ads.at("scalingConfig") == {"minSize": 3, "desiredSize": 3, "maxSize": 20}
    assert (ads.ignored, edge.ignored) == (("scalingConfig.desiredSize",), ())
    assert ads.at("tags.k8s\\.io") is None
    assert edge.at("tags") is None


def test_network_policies_are_enforced_and_pods_measured() -> None:
    """By the CNI's agent and the metrics server: both are add-ons."""
    addons = {it.at("addonName"): it for it in cloud("eks").all("Addon")}
    assert json.loads(addons["vpc-cni"].at("configurationValues")) == {
        "enableNetworkPolicy": "true"
    }
    assert "metrics-server" in addons


def test_the_cluster_is_known_by_its_arn_and_its_kubeconfig_holds_no_credential() -> None:
    """New credentials replace nothing: there are none."""
    provider = cloud("eks").one("kubernetes")
    assert provider.at("clusterIdentifier") == "arn:aws:eks:1"
    assert provider.is_secret("kubeconfig")
    text = exec_kubeconfig("c", "https://x", authority="Q0E=", region="r")
    assert server_of(text) == "https://x"
    assert json.loads(text)["users"][0]["user"].keys() == {"exec"}


def test_every_resource_of_the_cloud_goes_through_the_stacks_provider() -> None:
    """With its region; the machine's own default is never used."""
    stack = cloud("eks")
    assert all("::public-id" in it.provider for it in stack.made if it.type.startswith("aws:"))


@pytest.mark.parametrize("key", ["region", "vpcId", "subnetIds", "nodeType", "kubernetesVersion"])
def test_what_eks_cannot_do_without_is_asked_for(key: str) -> None:
    """By its name."""
    with pytest.raises(
        pulumi.RunError, match=f"isthmus:{key}: missing; expected a value with driver eks"
    ):
        cloud("eks", **{key: "[]" if key == "subnetIds" else ""})


def test_the_packs_rules_hold() -> None:
    """What this driver describes passes what the project demands of others."""
    assert [str(it) for it in violations(cloud("eks"), "prod-public")] == []
