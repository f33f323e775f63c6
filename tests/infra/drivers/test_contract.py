"""What every driver gives."""

import msgspec
import pytest

from infra.config import ConfigError, Settings
from infra.drivers.contract import check_api_networks, need, networks_of, provider_sdk
from infra.stacks import build
from tests.infra.stage import describe, existing_values


def test_a_missing_key_is_named_with_its_driver() -> None:
    """In the order asked for; what is there passes."""
    need(Settings(region="x"), "region")
    with pytest.raises(
        ConfigError, match="isthmus:vpcId: missing; expected a value with driver eks"
    ):
        need(Settings(driver="eks", region="x"), "region", "vpcId")


def test_networks_are_checked_where_they_are_used() -> None:
    """A word is no network."""
    with pytest.raises(ConfigError, match="isthmus:networks: missing"):
        networks_of(Settings())
    with pytest.raises(ConfigError, match=r"isthmus:networks: .*is no network"):
        networks_of(Settings(networks=("here",)))


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_no_api_server_is_open_to_everybody(network: str) -> None:
    """Private, or for networks that are named."""
    check_api_networks(Settings(api_networks=("192.0.2.0/24",)))
    with pytest.raises(ConfigError, match="opens the API server to everybody"):
        check_api_networks(Settings(api_networks=(network,)))


def test_a_package_that_is_not_installed_is_named_with_its_extra() -> None:
    """Only the driver that needs it asks for it."""
    with pytest.raises(
        ConfigError, match=r'pulumi-nowhere.*fix: pip install "isthmus\[infra-eks\]"'
    ):
        provider_sdk("pulumi_nowhere", "infra-eks")


def test_the_kubeconfig_is_secret_as_input_and_output() -> None:
    """And new credentials are no other cluster."""
    stack = describe(build, stack="dev-public", values=existing_values())
    provider = stack.one("kubernetes")
    assert provider.is_secret("kubeconfig")
    assert msgspec.structs.asdict(provider)["inputs"]["clusterIdentifier"] == "shop-1"
