"""Driver `eks`: Amazon EKS with managed node groups, in subnets that are there.

Secrets in etcd under a key of its own that rotates, IMDSv2 only, encrypted disks, an API server that is private
unless networks are named, roles with what nodes need and no more. Only ever run against mocks here.
"""

import dataclasses
import json
from types import ModuleType
from typing import Any

import pulumi
from pulumi import Output, ResourceOptions

from infra.config import Settings
from infra.drivers.contract import Cluster, Order, networks_of, provider_for, provider_sdk
from infra.drivers.demands import check_driver
from infra.names import LABEL_POOL
from infra.pools import Pool

DISK_GIB = 40
ADDONS = {
    "vpc-cni": {"enableNetworkPolicy": "true"},
    "kube-proxy": {},
    "coredns": {},
    "metrics-server": {},
}
"""Without the CNI's own policy agent, NetworkPolicies are wishes; without metrics-server no scaler sees a pod."""

_NODE_POLICIES = (
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKS_CNI_Policy",
)
_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}

_METADATA = {
    "http_tokens": "required",
    # one hop: a pod without the host's network never reaches the node's credentials
    "http_put_response_hop_limit": 1,
    "http_endpoint": "enabled",
}
_DISK = {
    "device_name": "/dev/xvda",
    "ebs": {
        "encrypted": "true",
        "volume_type": "gp3",
        "volume_size": DISK_GIB,
        "delete_on_termination": "true",
    },
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Home:
    """What every resource of the cluster shares; the SDK's types are only known where it is installed."""

    aws: ModuleType
    settings: Settings
    opts: ResourceOptions


def make_eks(name: str, order: Order, *, parent: pulumi.Resource) -> Cluster:
    """A cluster and its node groups. Raises `ConfigError`."""
    settings = order.settings
    check_driver(order.site, order.environment, settings)
    aws = provider_sdk("pulumi_aws", "infra-eks")
    timeout = f"{settings.create_s}s"
    cloud = aws.Provider(name, region=settings.region, opts=ResourceOptions(parent=parent))
    opts = ResourceOptions(
        parent=parent, provider=cloud,
        custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete=timeout),
    )  # fmt: skip
    home = _Home(aws=aws, settings=settings, opts=opts)
    cluster = _control_plane(name, home)
    role = _role(f"{name}-node", "ec2.amazonaws.com", policies=_NODE_POLICIES, home=home)
    groups = [
        _node_group(f"{name}-{pool.name}", pool, cluster=cluster, role=role, home=home)
        for pool in order.pools
    ]
    _addons(name, cluster, groups=groups, home=home)
    kubeconfig = Output.secret(
        Output.all(cluster.name, cluster.endpoint, cluster.certificate_authority).apply(
            lambda parts: exec_kubeconfig(
                str(parts[0]),
                str(parts[1]),
                authority=str(parts[2]["data"]),
                region=settings.region,
            )
        )
    )
    return Cluster(
        kubeconfig=kubeconfig, cluster_identifier=cluster.arn, api_endpoint=cluster.endpoint,
        pod_endpoint=cluster.endpoint, networks=networks_of(settings),
        provider=provider_for(name, kubeconfig, cluster_identifier=cluster.arn, parent=parent),
    )  # fmt: skip


def _control_plane(name: str, home: _Home) -> Any:
    aws, settings = home.aws, home.settings
    key = aws.kms.Key(
        f"{name}-secrets", description="Kubernetes secrets", enable_key_rotation=True,
        deletion_window_in_days=30, opts=home.opts,
    )  # fmt: skip
    role = _role(
        f"{name}-control", "eks.amazonaws.com", policies=("AmazonEKSClusterPolicy",), home=home
    )
    return aws.eks.Cluster(
        name,
        role_arn=role.arn,
        version=settings.kubernetes_version,
        access_config={
            "authentication_mode": "API",
            "bootstrap_cluster_creator_admin_permissions": True,
        },
        # what is installed below is ours to choose and to keep
        bootstrap_self_managed_addons=False,
        encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
        enabled_cluster_log_types=["api", "audit", "authenticator"],
        vpc_config={
            "subnet_ids": list(settings.subnet_ids),
            "endpoint_private_access": True,
            "endpoint_public_access": bool(settings.api_networks),
            "public_access_cidrs": list(settings.api_networks) or None,
        },
        opts=home.opts,
    )


def _addons(name: str, cluster: Any, *, groups: list[Any], home: _Home) -> None:
    """The CNI before the nodes, which are not ready without it; pods that need nodes after them."""
    for addon, values in ADDONS.items():
        after = groups if addon in {"coredns", "metrics-server"} else []
        home.aws.eks.Addon(
            f"{name}-{addon}", cluster_name=cluster.name, addon_name=addon,
            configuration_values=json.dumps(values) if values else None,
            opts=ResourceOptions.merge(home.opts, ResourceOptions(depends_on=after)),
        )  # fmt: skip


def exec_kubeconfig(cluster: str, endpoint: str, *, authority: str, region: str) -> str:
    """A kubeconfig without a credential: whoever uses it proves who they are to AWS."""
    command = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["eks", "get-token", "--region", region, "--cluster-name", cluster],
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster,
                "cluster": {"server": endpoint, "certificate-authority-data": authority},
            }
        ],
        "users": [{"name": cluster, "user": {"exec": command}}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
        "current-context": cluster,
    }
    return json.dumps(content)


def _role(name: str, service: str, *, policies: tuple[str, ...], home: _Home) -> Any:
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    trust = {"Version": "2012-10-17", "Statement": [allowed]}
    role = home.aws.iam.Role(name, assume_role_policy=json.dumps(trust), opts=home.opts)
    for policy in policies:
        home.aws.iam.RolePolicyAttachment(
            f"{name}-{policy}", role=role.name, policy_arn=f"arn:aws:iam::aws:policy/{policy}",
            opts=home.opts,
        )  # fmt: skip
    return role


def _node_group(name: str, pool: Pool, *, cluster: Any, role: Any, home: _Home) -> Any:
    template = home.aws.ec2.LaunchTemplate(
        name, metadata_options=_METADATA, block_device_mappings=[_DISK],
        update_default_version=True, opts=home.opts,
    )  # fmt: skip
    scaled = pool.nodes_max > pool.nodes
    size = {"min_size": pool.nodes, "desired_size": pool.nodes, "max_size": pool.nodes_most}
    # the scaler owns the size it was given
    ignored = ResourceOptions(ignore_changes=["scalingConfig.desiredSize"] if scaled else None)
    return home.aws.eks.NodeGroup(
        name,
        cluster_name=cluster.name,
        node_role_arn=role.arn,
        subnet_ids=list(home.settings.subnet_ids),
        instance_types=[home.settings.node_type],
        capacity_type="SPOT" if pool.spot else "ON_DEMAND",
        labels=pool.labels,
        taints=_taints(pool),
        scaling_config=size,
        update_config={"max_unavailable": 1},
        launch_template={
            "id": template.id,
            "version": Output.format("{0}", template.latest_version),
        },
        tags=_scaler_tags(pool) if scaled else None,
        opts=ResourceOptions.merge(home.opts, ignored),
    )


def _taints(pool: Pool) -> list[dict[str, str]] | None:
    if pool.taint is None:
        return None
    key, value, effect = pool.taint
    return [{"key": key, "value": value, "effect": _EFFECTS[effect]}]


def _scaler_tags(pool: Pool) -> dict[str, str]:
    """How the cluster autoscaler finds a group and knows, at size 0, what its nodes would be."""
    return {
        "k8s.io/cluster-autoscaler/enabled": "true",
        f"k8s.io/cluster-autoscaler/node-template/label/{LABEL_POOL}": pool.name,
    }
