"""Driver local as a resource of the stack."""

import pulumi
import pytest

from infra.stacks import ROOT, build
from tests.infra.stage import describe


def test_the_specification_says_site_pools_and_sizes() -> None:
    """`adNodes` is the number of nodes in the pool ads."""
    stack = describe(build, stack="dev-public", values={"adNodes": "13", "adNodesMax": "20"})
    found = stack.one("LocalCluster")
    assert found.type == "pulumi-python:dynamic/isthmus:LocalCluster"
    assert found.at("root") == str(ROOT)
    assert (found.at("spec.environment"), found.at("spec.site")) == ("dev", "public")
    ads = found.at("spec.pools.0")
    assert (ads["name"], ads["nodes"], ads["nodes_max"]) == ("ads", 13, 20)
    assert ads["taints"] == ["isthmus.dev/pool=ads:NoSchedule"]


def test_the_private_sites_pools_are_its_own() -> None:
    """With the class that keeps public pods off."""
    found = describe(build, stack="dev-private", values={}).one("LocalCluster")
    assert {pool["name"]: pool["traffic_class"] for pool in found.at("spec.pools")} == {
        "core": "sensitive",
        "reserve": "public",
    }


def test_the_kubeconfig_is_a_secret_output_and_time_is_bounded() -> None:
    """Nothing the provider returns shows a credential in the state."""
    found = describe(build, stack="dev-public", values={"createS": "90"}).one("LocalCluster")
    assert {"kubeconfig", "ledger_dsn", "warehouse_dsn", "database_password"} <= set(
        found.secret_outputs
    )
    assert found.create_timeout == "90s"


def test_the_clusters_own_provider_is_told_its_identifier() -> None:
    """It is the resource's id: a preview of an update knows it, so nothing is said to be replaced."""
    stack = describe(build, stack="dev-public", values={})
    assert stack.one("kubernetes").at("clusterIdentifier") == "public-id"
    assert stack.one("kubernetes").is_secret("kubeconfig")


@pytest.mark.parametrize("environment", ["development", "eu-1"])
def test_an_environment_it_cannot_name_is_refused(environment: str) -> None:
    """Interfaces and directories carry it."""
    with pytest.raises(pulumi.RunError, match=f"local cannot make the environment {environment}"):
        describe(build, stack=f"{environment}-public", values={})
