"""What a driver cannot do without is said before anything is asked of the engine."""

import msgspec
import pytest

from infra.config import ConfigError, Settings
from infra.drivers.demands import (
    OFFERED,
    REQUIRED,
    TOKEN_CHARS_MIN,
    check_api_networks,
    check_driver,
    need,
)
from infra.names import SITES, Site

WHOLE = Settings(
    networks=("10.1.0.0/16",), region="r", vpc_id="v", subnet_ids=("a", "b"), node_type="t",
    kubernetes_version="1.36", cluster_identifier="c-1", kubeconfig_file="k", ssh_host="h", ssh_key="k",
    ssh_host_key="k", k3s_token=TOKEN_CHARS_MIN * "t",
)  # fmt: skip
CASES = [(site, driver) for site in SITES for driver in OFFERED[site]]


def settings(driver: str, **changed: object) -> Settings:
    return msgspec.convert({**msgspec.to_builtins(WHOLE), "driver": driver, **changed}, Settings)


def test_a_missing_key_is_named_with_its_driver() -> None:
    """In the order asked for; what is there passes."""
    need(Settings(region="x"), "region")
    with pytest.raises(
        ConfigError, match="isthmus:vpcId: missing; expected a value with driver eks"
    ):
        need(Settings(driver="eks", region="x"), "region", "vpcId")


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_no_api_server_is_open_to_everybody(network: str) -> None:
    """Private, or for networks that are named."""
    check_api_networks(Settings(api_networks=("192.0.2.0/24",)))
    with pytest.raises(ConfigError, match="opens the API server to everybody"):
        check_api_networks(Settings(api_networks=(network,)))


@pytest.mark.parametrize(("site", "driver"), CASES)
def test_every_key_a_driver_requires_is_missed_by_name(site: Site, driver: str) -> None:
    """With all of them it passes; without any one of them that one is named."""
    check_driver(site, "dev", settings(driver))
    for key in REQUIRED[driver]:
        empty = [] if key in {"networks", "subnetIds"} else ""
        with pytest.raises(ConfigError, match=f"isthmus:{key}: missing"):
            check_driver(site, "dev", settings(driver, **{key: empty}))


@pytest.mark.parametrize(("site", "driver"), [("public", "k3s-ssh"), ("private", "eks")])
def test_a_driver_of_the_other_site_is_refused(site: Site, driver: str) -> None:
    """With those that can be had."""
    with pytest.raises(ConfigError, match=f"{driver} makes no {site} cluster; expected one of"):
        check_driver(site, "dev", settings(driver))


@pytest.mark.parametrize(
    ("site", "driver", "changed", "said"),
    [
        ("public", "local", {}, "cannot make the environment production"),
        ("public", "ack", {"apiNetworks": ["192.0.2.0/24"]}, "cannot be kept to with driver ack"),
        ("public", "eks", {"apiNetworks": ["0.0.0.0/0"]}, "opens the API server to everybody"),
        ("public", "existing", {"kubeconfigFile": ""}, "isthmus:kubeconfigFile: missing"),
        ("public", "existing", {"networks": ["10.1.0.1/16"]}, "is no network"),
        ("private", "k3s-ssh", {"k3sToken": "short"}, "k3sToken: too short"),
    ],
)
def test_what_a_driver_cannot_work_with_is_named(
    site: Site, driver: str, changed: dict[str, object], said: str
) -> None:
    """Each with the key."""
    with pytest.raises(ConfigError, match=said):
        check_driver(site, "production", settings(driver, **changed))
