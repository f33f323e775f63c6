"""Driver `local`: a real control plane and its nodes on this machine, as a resource of the stack."""

from typing import ClassVar

import msgspec
import pulumi
from pulumi import dynamic

from contracts.cluster import ClusterSpec
from infra.drivers.contract import Cluster, Order, Stores, provider_for
from infra.drivers.demands import check_driver
from infra.drivers.local_process import LocalClusterProvider
from infra.drivers.local_state import HIDDEN


class LocalCluster(dynamic.Resource, module="isthmus", name="LocalCluster"):
    """The cluster as the engine sees it; `spec` is a `contracts.cluster.ClusterSpec`."""

    root: pulumi.Output[str]
    cluster_identifier: pulumi.Output[str]
    api_endpoint: pulumi.Output[str]
    pod_endpoint: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    networks: pulumi.Output[list[str]]
    nodes: pulumi.Output[dict[str, int]]
    ready: pulumi.Output[bool]
    kafka: pulumi.Output[list[str]]
    ledger_dsn: pulumi.Output[str]
    warehouse_dsn: pulumi.Output[str]
    database_password: pulumi.Output[str]

    outs: ClassVar[tuple[str, ...]] = (
        "ready", "cluster_identifier", "api_endpoint", "pod_endpoint", "kubeconfig", "networks",
        "nodes", "kafka", "ledger_dsn", "warehouse_dsn", "database_password",
    )  # fmt: skip

    def __init__(
        self, name: str, spec: ClusterSpec, *, root: str, opts: pulumi.ResourceOptions
    ) -> None:
        properties = {"root": root, "spec": msgspec.to_builtins(spec), **dict.fromkeys(self.outs)}
        super().__init__(LocalClusterProvider(), name, properties, opts)


def spec_for(order: Order) -> ClusterSpec:
    """The cluster as `local.clusters` understands it."""
    settings = order.settings
    return ClusterSpec(
        environment=order.environment, site=order.site, prometheus=settings.prometheus,
        stores=settings.stores, pools=tuple(pool.contract() for pool in order.pools),
    )  # fmt: skip


def make_local(name: str, order: Order, *, parent: pulumi.Resource) -> Cluster:
    """The cluster of this site on this machine; root is needed, and no container engine."""
    settings = order.settings
    check_driver(order.site, order.environment, settings)
    spec = spec_for(order)
    timeout = f"{settings.create_s}s"
    cluster = LocalCluster(
        name, spec, root=str(order.root),
        opts=pulumi.ResourceOptions(
            parent=parent, additional_secret_outputs=list(HIDDEN),
            custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete=timeout),
        ),
    )  # fmt: skip
    kubeconfig = pulumi.Output.secret(cluster.kubeconfig)
    # the id is the identifier, and of an output the one thing that a preview of an update knows
    identifier = cluster.id.apply(str)
    provider = provider_for(name, kubeconfig, cluster_identifier=identifier, parent=parent)
    return Cluster(
        kubeconfig=kubeconfig, cluster_identifier=identifier,
        api_endpoint=cluster.api_endpoint, pod_endpoint=cluster.pod_endpoint,
        networks=cluster.networks, provider=provider,
        stores=_stores(cluster) if settings.stores else None,
    )  # fmt: skip


def _stores(cluster: LocalCluster) -> Stores:
    return Stores(
        kafka=cluster.kafka,
        ledger_dsn=pulumi.Output.secret(cluster.ledger_dsn),
        warehouse_dsn=pulumi.Output.secret(cluster.warehouse_dsn),
        password=pulumi.Output.secret(cluster.database_password),
    )
