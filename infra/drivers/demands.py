"""What each driver offers and what it cannot do without, known before the engine is asked for anything."""

import re

import msgspec

from infra.config import Settings, wrong
from infra.names import Site
from infra.needs import check_networks

OFFERED: dict[Site, tuple[str, ...]] = {
    "public": ("local", "eks", "ack", "existing"),
    "private": ("local", "existing", "k3s-ssh"),
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "local": (),
    "eks": ("region", "vpcId", "subnetIds", "nodeType", "kubernetesVersion", "networks"),
    "ack": ("region", "vpcId", "subnetIds", "nodeType", "kubernetesVersion", "networks"),
    "existing": ("clusterIdentifier", "networks"),
    "k3s-ssh": (
        "sshHost", "sshKey", "sshHostKey", "k3sToken", "kubernetesVersion", "clusterIdentifier", "networks",
    ),
}  # fmt: skip
ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})
TOKEN_CHARS_MIN = 32
LOCAL_ENVIRONMENT = r"[a-z0-9]{1,8}"


def check_driver(site: Site, environment: str, settings: Settings) -> None:
    """Raise `ConfigError` for the first thing the stack's driver cannot work with."""
    check_offered(site, settings)
    need(settings, *REQUIRED[settings.driver])
    check_networks(settings, "networks")
    match settings.driver:
        case "local":
            check_environment(site, environment)
        case "eks":
            check_api_networks(settings)
        case "ack":
            check_no_api_networks(settings)
        case "k3s-ssh":
            check_token(settings)
        case "existing":
            if not settings.kubeconfig:
                need(settings, "kubeconfigFile")


def check_offered(site: Site, settings: Settings) -> None:
    """Not every driver makes a cluster for every site. Raises `ConfigError`."""
    if settings.driver not in OFFERED[site]:
        raise wrong(
            "driver", what=f"{settings.driver} makes no {site} cluster",
            expected=f"one of {', '.join(OFFERED[site])}",
            fix="pulumi config set isthmus:driver local",
        )  # fmt: skip


def need(settings: Settings, *keys: str) -> None:
    """Raise `ConfigError` for the first of `keys` (as written in the stack) that is empty."""
    values = msgspec.to_builtins(settings)
    for key in keys:
        if not values[key]:
            raise wrong(
                key, what="missing", expected=f"a value with driver {settings.driver}",
                fix=f"pulumi config set isthmus:{key} VALUE",
            )  # fmt: skip


def check_environment(site: Site, environment: str) -> None:
    """Names of links and namespaces leave a cluster of this machine few letters. Raises `ConfigError`."""
    if not re.fullmatch(LOCAL_ENVIRONMENT, environment):
        raise wrong(
            "driver", what=f"local cannot make the environment {environment}",
            expected=f"a stack named ENV-{site} with ENV of {LOCAL_ENVIRONMENT}",
            fix=f"pulumi stack init dev-{site}",
        )  # fmt: skip


def check_api_networks(settings: Settings) -> None:
    """A cloud's API server may be opened to networks, never to everybody. Raises `ConfigError`."""
    check_networks(settings, "apiNetworks")
    if ANYWHERE & set(settings.api_networks):
        raise wrong(
            "apiNetworks", what="opens the API server to everybody", expected="the networks of its operators",
            fix="leave it empty for a private API server",
        )  # fmt: skip


def check_no_api_networks(settings: Settings) -> None:
    """An API server of ACK listens to all or to its network alone. Raises `ConfigError`."""
    if settings.api_networks:
        raise wrong(
            "apiNetworks", what="cannot be kept to with driver ack, whose API server listens to all or to its network",
            expected="nothing: a private API server", fix="pulumi config rm isthmus:apiNetworks, and reach it from its network",
        )  # fmt: skip


def check_token(settings: Settings) -> None:
    """Whoever knows the join token owns the cluster. Raises `ConfigError`."""
    if len(settings.k3s_token) < TOKEN_CHARS_MIN:
        raise wrong(
            "k3sToken", what="too short", expected=f"at least {TOKEN_CHARS_MIN} random characters",
            fix="openssl rand -hex 32 | pulumi config set --secret isthmus:k3sToken",
        )  # fmt: skip
