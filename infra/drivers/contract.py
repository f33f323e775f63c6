"""What every driver gets and gives, so that a stack does not know which one made its cluster."""

import dataclasses
import datetime as dt
import importlib
from pathlib import Path
from types import ModuleType
from typing import Protocol

import msgspec
import pulumi
import pulumi_kubernetes as k8s

from infra.config import Settings, wrong
from infra.drivers.demands import need
from infra.kubeconfig import KubeconfigError, check_current
from infra.names import Site
from infra.needs import check_networks
from infra.pools import Pool


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
    """An explicit provider that only another cluster replaces and whose resources an outage does not remove.

    A kubeconfig that is no longer valid ends the program, whichever stack it came from: the engine would take it
    for an outage and leave everything as it is.
    """

    def current(text: str) -> str:
        try:
            check_current(text, dt.datetime.now(dt.UTC))
        except KubeconfigError as error:
            raise pulumi.RunError(
                f"cluster {name}: its kubeconfig cannot be used: {error}; expected credentials that are valid now; "
                f"fix: renew it (driver existing: isthmus:kubeconfigFile or isthmus:kubeconfig), then the cluster's stack"
            ) from error
        return text

    return k8s.Provider(
        name,
        kubeconfig=pulumi.Output.secret(kubeconfig).apply(current),
        cluster_identifier=cluster_identifier,
        enable_server_side_apply=True,
        skip_update_unreachable=True,
        delete_unreachable=False,
        suppress_deprecation_warnings=True,
        opts=pulumi.ResourceOptions(parent=parent),
    )


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
