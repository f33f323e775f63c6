"""The clusters as components: whatever driver makes them, the same outputs and the same floor of safety."""

import dataclasses

import msgspec
import pulumi
from pulumi_kubernetes import apiextensions, core, meta, networking

from infra.admission import manifests
from infra.drivers.contract import Cluster, Driver, Order
from infra.drivers.demands import check_offered
from infra.names import LABEL_PART_OF, LABEL_SITE, NAMESPACE, PART_OF
from policy.model import Policy


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """What a cluster component needs: the order for its driver, and the policy its API server is to enforce."""

    order: Order
    policy: Policy


class _SiteCluster(pulumi.ComponentResource):
    """A cluster, and in it a namespace where only restricted pods run and nothing may connect until it is said.

    Outputs: `kubeconfig` (secret), `cluster_identifier`, `api_endpoint`, `pod_endpoint`, `networks`, `provider`;
    `stores` where the driver brings them.
    """

    kubeconfig: pulumi.Output[str]
    cluster_identifier: pulumi.Output[str]
    api_endpoint: pulumi.Output[str]
    pod_endpoint: pulumi.Output[str]
    networks: pulumi.Output[list[str]]

    def __init__(
        self, kind: str, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None
    ) -> None:
        super().__init__(f"isthmus:infra:{kind}", name, None, opts)
        made = driver_of(args.order)(name, args.order, parent=self)
        namespace = self._floor(name, made, args.order)
        self._admission(name, made, args, after=namespace)
        self.kubeconfig = made.kubeconfig
        self.cluster_identifier = made.cluster_identifier
        self.api_endpoint = made.api_endpoint
        self.pod_endpoint = made.pod_endpoint
        self.networks = made.networks
        self.provider = made.provider
        self.stores = made.stores
        self.register_outputs(
            {
                "kubeconfig": self.kubeconfig,
                "cluster_identifier": self.cluster_identifier,
                "api_endpoint": self.api_endpoint,
                "pod_endpoint": self.pod_endpoint,
                "networks": self.networks,
            }
        )

    def _floor(self, name: str, made: Cluster, order: Order) -> core.v1.Namespace:
        labels = {LABEL_PART_OF: PART_OF, LABEL_SITE: order.site}
        inner = pulumi.ResourceOptions(parent=self, provider=made.provider)
        namespace = core.v1.Namespace(
            name,
            metadata=meta.v1.ObjectMetaArgs(
                name=NAMESPACE,
                labels={
                    **labels,
                    "pod-security.kubernetes.io/enforce": "restricted",
                    "pod-security.kubernetes.io/warn": "restricted",
                },
            ),
            opts=inner,
        )
        networking.v1.NetworkPolicy(
            name,
            metadata=meta.v1.ObjectMetaArgs(
                name="default-deny", namespace=NAMESPACE, labels=labels
            ),
            spec=networking.v1.NetworkPolicySpecArgs(
                pod_selector=meta.v1.LabelSelectorArgs(), policy_types=["Ingress", "Egress"]
            ),
            opts=pulumi.ResourceOptions.merge(
                inner, pulumi.ResourceOptions(depends_on=[namespace])
            ),
        )
        return namespace

    def _admission(
        self, name: str, made: Cluster, args: ClusterArgs, *, after: pulumi.Resource
    ) -> None:
        """What the policy pack refuses, refused by the API server too, whoever asks."""
        for manifest in manifests(args.policy, args.order.site):
            kind = str(manifest["kind"])
            apiextensions.CustomResource(
                f"{name}-{'binding' if kind.endswith('Binding') else 'admission'}",
                api_version=str(manifest["apiVersion"]),
                kind=kind,
                metadata=msgspec.convert(manifest["metadata"], dict[str, object]),
                spec=manifest["spec"],
                opts=pulumi.ResourceOptions(
                    parent=self, provider=made.provider, depends_on=[after]
                ),
            )


class PublicCluster(_SiteCluster):
    """The elastic site's cluster: pools `ads` and `edge`; drivers local, eks, ack, existing."""

    def __init__(
        self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("PublicCluster", name, args, opts)


class PrivateCluster(_SiteCluster):
    """The cluster that holds sensitive data: pools `core` and `reserve`; drivers local, existing, k3s-ssh."""

    def __init__(
        self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("PrivateCluster", name, args, opts)


def driver_of(order: Order) -> Driver:
    """The driver a stack names; imported here, since each brings an SDK of its own. Raises `ConfigError`."""
    check_offered(order.site, order.settings)
    match order.settings.driver:
        case "local":
            from infra.drivers.local_cluster import make_local  # noqa: PLC0415 - only its own

            return make_local
        case "existing":
            from infra.drivers.existing import take_existing  # noqa: PLC0415 - only its own

            return take_existing
        case "eks":
            from infra.drivers.eks import make_eks  # noqa: PLC0415 - only its own

            return make_eks
        case "ack":
            from infra.drivers.ack import make_ack  # noqa: PLC0415 - only its own

            return make_ack
        case "k3s-ssh":
            from infra.drivers.k3s_ssh import make_k3s  # noqa: PLC0415 - only its own

            return make_k3s
