"""What is scraped, what raises an alarm, and a dashboard: from the metrics the programs have. Pure but for `install`.

Without the Prometheus operator the same rules and targets are ConfigMaps for whoever runs Prometheus.
"""

import dataclasses
from typing import Literal

import msgspec
import pulumi
from pulumi_kubernetes import apiextensions, core, meta

from infra.config import Settings
from infra.documents import checksum
from infra.names import LABEL_CLASS, LABEL_PART_OF, NAMESPACE, PART_OF, Site
from infra.workloads import Workload

OPERATOR = "monitoring.coreos.com/v1"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One rule; `hold` is how long it must be true."""

    name: str
    expr: str
    hold: str
    severity: Literal["page", "ticket"]
    summary: str


ALERTS = (
    Alert(
        name="IsthmusGuardBlocked", expr="increase(isthmus_router_guard_blocks_total[5m]) > 0",
        hold="0s", severity="page",
        summary="The guard stopped bytes that the scan had let through to a site that may not hold them.",
    ),
    Alert(
        name="IsthmusMechanismDisabled", expr="max by (pod) (isthmus_router_disabled) > 0",
        hold="0s", severity="page", summary="A router runs with a protecting mechanism switched off.",
    ),
    Alert(
        name="IsthmusConfigRejected", expr="increase(isthmus_config_rejected_total[15m]) > 0",
        hold="0s", severity="ticket", summary="A router refused a new policy or topology and keeps the old one.",
    ),
    Alert(
        name="IsthmusSensitiveFailing",
        expr='sum(rate(isthmus_router_requests_total{class="sensitive",code=~"5.."}[5m]))'
        ' / sum(rate(isthmus_router_requests_total{class="sensitive"}[5m])) > 0.01',
        hold="2m", severity="page", summary="More than 1 % of the sensitive requests fail.",
    ),
    Alert(
        name="IsthmusDiscoveryRefused",
        expr="sum by (site, service, why) (increase(isthmus_router_discovery_refused_total[15m])) > 0",
        hold="0s", severity="page",
        summary="A cluster names addresses that are not its site's: they are not used; who put them there?",
    ),
    Alert(
        name="IsthmusDiscoveryStale",
        expr="min by (pod, site, service) (isthmus_router_discovery_stale) > 0",
        hold="2m", severity="ticket",
        summary="A router has not heard from a cluster's API server: it uses the endpoints it last knew.",
    ),
    Alert(
        name="IsthmusTargetGone", expr='up{namespace="isthmus"} == 0', hold="1m", severity="ticket",
        summary="A pod of the fabric answers no scrape.",
    ),
)  # fmt: skip

_PANELS = (
    ("Requests per second by class and site", "sum by (class, site) (rate(isthmus_router_requests_total[1m]))"),
    ("Failures per second by class", 'sum by (class) (rate(isthmus_router_requests_total{code=~"5.."}[1m]))'),
    ("p99 seconds", "histogram_quantile(0.99, sum by (le) (rate(isthmus_router_duration_seconds_bucket[1m])))"),
    ("Raised requests per second", "sum(rate(isthmus_router_raised_total[1m]))"),
    ("Guard blocks", "sum(increase(isthmus_router_guard_blocks_total[5m]))"),
    ("Upstream state", "isthmus_router_upstream_state"),
    ("Discovery that is old", "max by (site, service) (isthmus_router_discovery_stale)"),
    ("Addresses refused", "sum by (site, service, why) (increase(isthmus_router_discovery_refused_total[5m]))"),
    ("Service answers per second", "sum by (service, code) (rate(isthmus_service_answers_total[1m]))"),
)  # fmt: skip


def rules() -> dict[str, object]:
    """The rule group, as Prometheus and its operator both read it."""
    listed = [
        {
            "alert": it.name, "expr": it.expr, "for": it.hold, "labels": {"severity": it.severity},
            "annotations": {"summary": it.summary},
        }
        for it in ALERTS
    ]  # fmt: skip
    return {"groups": [{"name": "isthmus", "rules": listed}]}


def dashboard() -> dict[str, object]:
    """A Grafana dashboard."""
    panels = [
        {
            "id": number, "title": title, "type": "timeseries",
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
            "targets": [{"expr": expr, "refId": "A"}],
        }
        for number, (title, expr) in enumerate(_PANELS)
    ]  # fmt: skip
    choice = {"name": "datasource", "type": "datasource", "query": "prometheus"}
    return {
        "uid": "isthmus", "title": "Isthmus", "schemaVersion": 39, "refresh": "10s",
        "templating": {"list": [choice]}, "panels": panels,
    }  # fmt: skip


def scrape() -> dict[str, object]:
    """Scrape targets for a Prometheus without the operator: every port of the fabric's pods that has metrics."""
    source = "__meta_kubernetes_pod"
    return {
        "scrape_configs": [
            {
                "job_name": "isthmus",
                "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [NAMESPACE]}}],
                "relabel_configs": [
                    {
                        "source_labels": [f"{source}_label_app_kubernetes_io_part_of"],
                        "regex": PART_OF, "action": "keep",
                    },
                    {
                        # a router's http port is its clients' door; its metrics are behind the probe port
                        "source_labels": [
                            f"{source}_label_app_kubernetes_io_name", f"{source}_container_port_name",
                        ],
                        "regex": "router-(core|edge);probe|(ads|clicks|orders|profiles);http",
                        "action": "keep",
                    },
                    {"source_labels": [f"{source}_name"], "target_label": "pod"},
                    {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
                ],
            }
        ]
    }  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """One site's monitoring; all of it is harmless, so it is of class public on both."""

    site: Site
    workloads: tuple[Workload, ...]
    settings: Settings


class Monitoring(pulumi.ComponentResource):
    """Alerts, targets and dashboard of one site."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("isthmus:infra:Monitoring", name, None, opts)
        self._inner = pulumi.ResourceOptions(parent=self)
        self._config(f"{name}-dashboard", "isthmus-dashboard", {"isthmus.json": _text(dashboard())})
        match args.settings.monitoring:
            case "configmaps":
                files = {"rules.yaml": _text(rules()), "scrape.yaml": _text(scrape())}
                self._config(f"{name}-prometheus", "isthmus-prometheus", files)
            case "operator":
                self._operated(name, args)
        self.register_outputs({})

    def _config(self, name: str, base: str, files: dict[str, str]) -> None:
        labels = {LABEL_CLASS: "public", LABEL_PART_OF: PART_OF, "grafana_dashboard": "1"}
        if not base.endswith("dashboard"):
            del labels["grafana_dashboard"]
        core.v1.ConfigMap(
            name,
            metadata=meta.v1.ObjectMetaArgs(
                name=f"{base}-{checksum(files)}", namespace=NAMESPACE, labels=labels
            ),
            immutable=True,
            data=files,
            opts=self._inner,
        )

    def _operated(self, name: str, args: MonitoringArgs) -> None:
        labels = {LABEL_CLASS: "public", LABEL_PART_OF: PART_OF}
        named = meta.v1.ObjectMetaArgs(name="isthmus", namespace=NAMESPACE, labels=labels)
        apiextensions.CustomResource(
            f"{name}-rules", api_version=OPERATOR, kind="PrometheusRule", metadata=named,
            spec=rules(), opts=self._inner,
        )  # fmt: skip
        for workload in (it for it in args.workloads if it.serves):
            apiextensions.CustomResource(
                f"{name}-{workload.name}",
                api_version=OPERATOR,
                kind="ServiceMonitor",
                metadata=meta.v1.ObjectMetaArgs(
                    name=workload.name, namespace=NAMESPACE, labels=labels
                ),
                spec=_monitor(workload),
                opts=self._inner,
            )


def _monitor(workload: Workload) -> dict[str, object]:
    return {
        "selector": {"matchLabels": {"app.kubernetes.io/name": workload.name}},
        "endpoints": [{"port": "probe" if workload.router else "http", "interval": "10s"}],
    }


def _text(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode() + "\n"
