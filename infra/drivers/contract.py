"""What every driver gets and gives, so that a stack does not know which one made its cluster."""

import dataclasses
import importlib
from pathlib import Path
from types import ModuleType
from typing import Protocol

import msgspec
import pulumi
import pulumi_kubernetes as k8s

from infra.config import Settings, wrong
from infra.names import Site
from infra.needs import check_networks
from infra.pools import Pool

ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The cluster of one site of one environment; `root` is the checkout."""

    environment: str
    site: Site
    settings: Settings
    pools: tuple[Pool, ...]
    root: Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stores:
    """Broker and databases that come with a cluster; texts are empty where there are none, all but `kafka` secret."""

    kafka: pulumi.Output[list[str]]
    ledger_dsn: pulumi.Output[str]
    warehouse_dsn: pulumi.Output[str]
    password: pulumi.Output[str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cluster:
    """The output contract. `kubeconfig` is always secret.

    `cluster_identifier` stays when credentials or addresses change. `pod_endpoint` is the API server as pods of
    both sites reach it; `networks` are those of the site's nodes and pods. `stores` is None where the operator
    brings them.
    """

    kubeconfig: pulumi.Output[str]
    cluster_identifier: pulumi.Output[str]
    api_endpoint: pulumi.Output[str]
    pod_endpoint: pulumi.Output[str]
    networks: pulumi.Output[list[str]]
    provider: k8s.Provider
    stores: Stores | None = None


class Driver(Protocol):
    """Make, or take, the cluster of `order`; its resources are children of `parent`. Raises `ConfigError`."""

    def __call__(self, name: str, order: Order, *, parent: pulumi.Resource) -> Cluster:
        """The cluster."""
        ...


def provider_for(
    name: str,
    kubeconfig: pulumi.Input[str],
    *,
    cluster_identifier: pulumi.Input[str],
    parent: pulumi.Resource | None = None,
) -> k8s.Provider:
    """An explicit provider that only another cluster replaces and whose resources an outage does not remove."""
    return k8s.Provider(
        name,
        kubeconfig=pulumi.Output.secret(kubeconfig),
        cluster_identifier=cluster_identifier,
        enable_server_side_apply=True,
        skip_update_unreachable=True,
        delete_unreachable=False,
        suppress_deprecation_warnings=True,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def need(settings: Settings, *keys: str) -> None:
    """Raise `ConfigError` for the first of `keys` (as written in the stack) that is empty."""
    values = msgspec.to_builtins(settings)
    for key in keys:
        if not values[key]:
            raise wrong(
                key, what="missing", expected=f"a value with driver {settings.driver}",
                fix=f"pulumi config set isthmus:{key} VALUE",
            )  # fmt: skip


def check_api_networks(settings: Settings) -> None:
    """A cloud's API server may be opened to networks, never to everybody. Raises `ConfigError`."""
    check_networks(settings, "apiNetworks")
    if ANYWHERE & set(settings.api_networks):
        raise wrong(
            "apiNetworks", what="opens the API server to everybody", expected="the networks of its operators",
            fix="leave it empty for a private API server",
        )  # fmt: skip


def networks_of(settings: Settings) -> pulumi.Output[list[str]]:
    """The networks as configured, for drivers that cannot ask. Raises `ConfigError`."""
    need(settings, "networks")
    check_networks(settings, "networks")
    return pulumi.Output.from_input(list(settings.networks))


def provider_sdk(module: str, extra: str) -> ModuleType:
    """The SDK of an optional extra; imported only by the driver that needs it. Raises `ConfigError`."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise wrong(
            "driver", what=f"needs the Python package {module.replace('_', '-')}, which is not installed",
            expected=f"the extra {extra}", fix=f'pip install "isthmus[{extra}]"',
        ) from error  # fmt: skip
