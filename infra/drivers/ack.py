"""Driver `ack`: Alibaba Cloud ACK with managed node pools, in vSwitches that are there.

Secrets in etcd under a KMS key, an API server without a public address, hardened system
images with encrypted disks and tokens on the metadata service, nodes without public bandwidth. Only ever
run against mocks here.
"""

from types import ModuleType
from typing import Any

import pulumi
from pulumi import Output, ResourceOptions

from infra.config import Settings
from infra.drivers.contract import Cluster, Order, networks_of, provider_for, provider_sdk
from infra.drivers.demands import check_driver
from infra.pools import Pool

DISK_GIB = 40
CREDENTIAL_MINUTES = 1440
"""How long the kubeconfig that is read lasts: the next run reads another."""
SERVICE_NETWORK = "172.30.0.0/16"
"""Range of Kubernetes services; pods get addresses of the vSwitches."""

ADDONS = (
    ("terway-eniip", '{"IPVlan":"false","NetworkPolicy":"true","ENITrunking":"false"}'),
    ("metrics-server", ""),
    ("managed-coredns", ""),
)
"""Terway without its policy agent would make NetworkPolicies wishes."""


def make_ack(name: str, order: Order, *, parent: pulumi.Resource) -> Cluster:
    """A cluster and its node pools. Raises `ConfigError`."""
    settings = order.settings
    check_driver(order.site, order.environment, settings)
    alicloud = provider_sdk("pulumi_alicloud", "infra-ack")
    timeout = f"{settings.create_s}s"
    cloud = alicloud.Provider(name, region=settings.region, opts=ResourceOptions(parent=parent))
    opts = ResourceOptions(
        parent=parent, provider=cloud,
        custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete=timeout),
    )  # fmt: skip
    cluster = _control_plane(name, alicloud, settings=settings, opts=opts)
    for pool in order.pools:
        arguments = _node_pool(pool, settings)
        alicloud.cs.NodePool(
            f"{name}-{pool.name}", node_pool_name=f"{name}-{pool.name}", cluster_id=cluster.id,
            **arguments, opts=opts,
        )  # fmt: skip
    credential = alicloud.cs.get_cluster_credential_output(
        cluster_id=cluster.id, temporary_duration_minutes=CREDENTIAL_MINUTES,
        opts=pulumi.InvokeOutputOptions(parent=parent, provider=cloud),
    )  # fmt: skip
    kubeconfig = Output.secret(credential.kube_config)
    endpoint = cluster.connections.apply(_endpoint)
    return Cluster(
        kubeconfig=kubeconfig, cluster_identifier=cluster.id, api_endpoint=endpoint,
        pod_endpoint=endpoint, networks=networks_of(settings),
        provider=provider_for(name, kubeconfig, cluster_identifier=cluster.id, parent=parent),
    )  # fmt: skip


def _control_plane(
    name: str, alicloud: ModuleType, *, settings: Settings, opts: ResourceOptions
) -> Any:
    key = alicloud.kms.Key(
        f"{name}-secrets", description="Kubernetes secrets", automatic_rotation="Enabled",
        rotation_interval="365d", pending_window_in_days=30, opts=opts,
    )  # fmt: skip
    return alicloud.cs.ManagedKubernetes(
        name,
        cluster_spec="ack.pro.small",
        version=settings.kubernetes_version,
        vswitch_ids=list(settings.subnet_ids),
        pod_vswitch_ids=list(settings.subnet_ids),
        service_cidr=SERVICE_NETWORK,
        new_nat_gateway=False,
        slb_internet_enabled=False,
        encryption_provider_key=key.id,
        is_enterprise_security_group=True,
        deletion_protection=True,
        control_plane_log_components=["apiserver", "kcm", "scheduler"],
        addons=[{"name": addon, "config": config} for addon, config in ADDONS],
        opts=opts,
    )


def _endpoint(connections: Any) -> str:
    return str(connections[0]["api_server_intranet"])


def _node_pool(pool: Pool, settings: Settings) -> dict[str, Any]:
    scaled = pool.nodes_max > pool.nodes
    taint = pool.taint
    scaling = {"enable": True, "min_size": pool.nodes, "max_size": pool.nodes_max}
    return {
        "vswitch_ids": list(settings.subnet_ids),
        "instance_types": [settings.node_type],
        "desired_size": None if scaled else str(pool.nodes),
        "scaling_config": scaling if scaled else None,
        "spot_strategy": "SpotAsPriceGo" if pool.spot else "NoSpot",
        "labels": [{"key": key, "value": value} for key, value in pool.labels.items()],
        "taints": [{"key": taint[0], "value": taint[1], "effect": taint[2]}] if taint else None,
        "internet_max_bandwidth_out": 0,
        "security_hardening_os": True,
        "system_disk_category": "cloud_essd",
        "system_disk_size": DISK_GIB,
        "system_disk_encrypted": True,
        "instance_metadata_options": {"http_tokens": "required"},
    }
