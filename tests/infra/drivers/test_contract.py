"""What every driver gives."""

import msgspec
import pytest

from infra.config import ConfigError, Settings
from infra.drivers.contract import networks_of, provider_sdk
from infra.stacks import build
from tests.infra.stage import describe, existing_values


def test_networks_are_checked_where_they_are_used() -> None:
    """A word is no network."""
    with pytest.raises(ConfigError, match="isthmus:networks: missing"):
        networks_of(Settings())
    with pytest.raises(ConfigError, match=r"isthmus:networks: .*is no network"):
        networks_of(Settings(networks=("here",)))


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
