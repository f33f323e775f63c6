"""One workload in a cluster: identity, Deployment, disruption budget, scaler, Service and its network policy."""

import dataclasses

import pulumi
from pulumi_kubernetes import apps, autoscaling, core, meta, networking
from pulumi_kubernetes import policy as disruption

from infra.config import Settings
from infra.names import NAMESPACE, PORT_HTTP, PORT_PROBE
from infra.pods import PodParts, labels, pod_template, selector
from infra.workloads import Workload

CPU_PERCENT = 70
"""Where a scaler adds pods: leaves a third for what comes while a new pod starts."""
SCALE_DOWN_S = 300
PORT_SERVICE = 80
SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""The Deployment's readiness says the same; awaiting a Service costs ten seconds and, without a load balancer
controller, never ends."""
INTERNAL = {"isthmus.dev/exposure": "internal"}
"""What the rule on private exposure asks for: whoever configures a node port on a private site states with it that
the nodes' network is private. No cloud looks at a node port, so none of their annotations would say it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeployedArgs:
    """`network` is the NetworkPolicy's content."""

    workload: Workload
    pod: PodParts
    network: pulumi.Input[networking.v1.NetworkPolicySpecArgs]
    settings: Settings


class Deployed(pulumi.ComponentResource):
    """A workload of the fabric; `name` must be unique over both sites."""

    def __init__(self, name: str, args: DeployedArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("isthmus:infra:Workload", name, None, opts)
        self.args = args.workload
        workload, seconds = args.workload, f"{args.settings.await_s}s"
        self._meta = meta.v1.ObjectMetaArgs(
            name=workload.name, namespace=NAMESPACE, labels=labels(workload)
        )
        self._opts = pulumi.ResourceOptions(
            parent=self,
            custom_timeouts=pulumi.CustomTimeouts(create=seconds, update=seconds, delete=seconds),
        )
        account = core.v1.ServiceAccount(
            name, metadata=self._meta, automount_service_account_token=False, opts=self._opts
        )
        rules = networking.v1.NetworkPolicy(
            name, metadata=self._meta, spec=args.network, opts=self._opts
        )
        self.deployment = self._deploy(name, args, after=[account, rules])
        self._budget(name, workload)
        if workload.replicas_max:
            self._scaler(name, workload)
        if workload.serves:
            self._service(name, workload)
        self.register_outputs({"name": workload.name})

    def _deploy(
        self, name: str, args: DeployedArgs, *, after: list[pulumi.Resource]
    ) -> apps.v1.Deployment:
        workload = args.workload
        scaled = bool(workload.replicas_max)
        # two bridges of one link would only fence each other
        alone = workload.kind == "bridge"
        rolling = apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0)
        return apps.v1.Deployment(
            name,
            metadata=self._meta,
            spec=apps.v1.DeploymentSpecArgs(
                replicas=None if scaled else workload.replicas,
                revision_history_limit=3,
                selector=meta.v1.LabelSelectorArgs(match_labels=selector(workload.name)),
                strategy=apps.v1.DeploymentStrategyArgs(
                    type="Recreate" if alone else "RollingUpdate",
                    rolling_update=None if alone else rolling,
                ),
                template=pod_template(workload, args.pod),
            ),
            opts=pulumi.ResourceOptions.merge(self._opts, pulumi.ResourceOptions(depends_on=after)),
        )

    def _budget(self, name: str, workload: Workload) -> None:
        disruption.v1.PodDisruptionBudget(
            name,
            metadata=self._meta,
            spec=disruption.v1.PodDisruptionBudgetSpecArgs(
                max_unavailable="25%" if workload.kind == "ads" else 1,
                selector=meta.v1.LabelSelectorArgs(match_labels=selector(workload.name)),
            ),
            opts=self._opts,
        )

    def _scaler(self, name: str, workload: Workload) -> None:
        cpu = autoscaling.v2.MetricSpecArgs(
            type="Resource",
            resource=autoscaling.v2.ResourceMetricSourceArgs(
                name="cpu",
                target=autoscaling.v2.MetricTargetArgs(
                    type="Utilization", average_utilization=CPU_PERCENT
                ),
            ),
        )
        autoscaling.v2.HorizontalPodAutoscaler(
            name,
            metadata=self._meta,
            spec=autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
                scale_target_ref=autoscaling.v2.CrossVersionObjectReferenceArgs(
                    api_version="apps/v1", kind="Deployment", name=workload.name
                ),
                min_replicas=workload.replicas,
                max_replicas=max(workload.replicas, workload.replicas_max),
                metrics=[cpu],
                behavior=autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs(
                    scale_down=autoscaling.v2.HPAScalingRulesArgs(
                        stabilization_window_seconds=SCALE_DOWN_S
                    )
                ),
            ),
            opts=pulumi.ResourceOptions.merge(
                self._opts, pulumi.ResourceOptions(depends_on=[self.deployment])
            ),
        )

    def _service(self, name: str, workload: Workload) -> None:
        """Backends are headless: who calls them reads their endpoints. Routers have a door, and one for probes."""
        exposure = workload.exposure
        awaited = {} if exposure == "LoadBalancer" else SKIP_AWAIT
        stated = INTERNAL if workload.site == "private" and exposure == "NodePort" else {}
        http = core.v1.ServicePortArgs(
            name="http", port=PORT_SERVICE if exposure else PORT_HTTP, target_port="http"
        )
        core.v1.Service(
            name,
            metadata=self._named(workload, workload.name, {**awaited, **stated}),
            spec=core.v1.ServiceSpecArgs(
                type=exposure or "ClusterIP",
                cluster_ip=None if exposure else "None",
                # else every client is a node's address, and the network policy knows nobody
                external_traffic_policy="Local"
                if exposure in {"LoadBalancer", "NodePort"}
                else None,
                selector=selector(workload.name),
                ports=[http],
            ),
            opts=self._opts,
        )
        if workload.router:
            core.v1.Service(
                f"{name}-probe",
                metadata=self._named(workload, f"{workload.name}-probe", SKIP_AWAIT),
                spec=core.v1.ServiceSpecArgs(
                    cluster_ip="None",
                    selector=selector(workload.name),
                    ports=[
                        core.v1.ServicePortArgs(name="probe", port=PORT_PROBE, target_port="probe")
                    ],
                ),
                opts=self._opts,
            )

    def _named(
        self, workload: Workload, name: str, annotations: dict[str, str]
    ) -> meta.v1.ObjectMetaArgs:
        return meta.v1.ObjectMetaArgs(
            name=name,
            namespace=NAMESPACE,
            labels=labels(workload),
            annotations=annotations or None,
        )
