"""What metrics-server, Prometheus and the pool scaler of a cluster are told, and which of them run. Pure."""

import sys
from pathlib import PurePath
from typing import Literal

import msgspec
import yaml

from contracts.cluster import ClusterSpec
from local.clusters_block import API_PORT, SiteNetwork

Addon = Literal["metrics-server", "prometheus", "scaler"]
METRICS_PORT = 4443
PROMETHEUS_PORT = 9090
METRICS_GROUP = "v1beta1.metrics.k8s.io"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the files of a cluster are: engines, kubeconfig, certificates, and a directory to write in."""

    checkout: str
    engines: str
    kubeconfig: str
    pki: str
    directory: str


def wanted(spec: ClusterSpec) -> frozenset[Addon]:
    """The add-ons a cluster has."""
    scaled = any(pool.nodes_max for pool in spec.pools)
    choices: tuple[tuple[Addon, bool], ...] = (
        ("metrics-server", spec.metrics), ("prometheus", spec.prometheus), ("scaler", scaled),
    )  # fmt: skip
    return frozenset(name for name, asked in choices if asked)


def command(addon: Addon, spec: ClusterSpec, *, place: Place, net: SiteNetwork) -> tuple[str, ...]:
    """Its command line; all but the scaler run inside the namespace."""
    match addon:
        case "metrics-server":
            return (
                str(PurePath(place.engines, "metrics-server")),
                *(
                    f"--{kind}kubeconfig={place.kubeconfig}"
                    for kind in ("", "authentication-", "authorization-")
                ),
                f"--tls-cert-file={PurePath(place.pki, 'admin.crt')}",
                f"--tls-private-key-file={PurePath(place.pki, 'admin.key')}",
                # only the API server beside it asks it
                "--bind-address=127.0.0.1",
                f"--secure-port={METRICS_PORT}",
                "--kubelet-insecure-tls",
                "--kubelet-use-node-status-port",
                "--kubelet-preferred-address-types=InternalIP",
                "--metric-resolution=10s",  # the least it accepts, and it must be above the other
                "--kubelet-request-timeout=5s",
            )
        case "prometheus":
            return (
                str(PurePath(place.engines, "prometheus")),
                f"--config.file={PurePath(place.directory, 'prometheus.yaml')}",
                f"--storage.tsdb.path={PurePath(place.directory, 'prometheus')}",
                "--storage.tsdb.retention.time=6h",
                f"--web.listen-address={net.management}:{PROMETHEUS_PORT}",
            )
        case "scaler":
            return (
                sys.executable, "-m", "local.clusters_scaler", "--root", place.checkout,
                "--environment", spec.environment, "--site", spec.site,
            )  # fmt: skip


def metrics_objects() -> tuple[tuple[str, object], ...]:
    """API path and object: the aggregated API, behind a name that is the API server's own loopback."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "metrics-server", "namespace": "kube-system"},
        "spec": {
            # there is no kube-proxy: an address of its own would lead nowhere
            "type": "ExternalName",
            "externalName": "127.0.0.1",
            "ports": [{"name": "https", "port": METRICS_PORT}],
        },
    }
    aggregated = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": METRICS_GROUP},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "metrics-server", "namespace": "kube-system", "port": METRICS_PORT},
        },
    }
    return (
        ("/api/v1/namespaces/kube-system/services/metrics-server", service),
        (f"/apis/apiregistration.k8s.io/v1/apiservices/{METRICS_GROUP}", aggregated),
    )


def prometheus_config(spec: ClusterSpec, *, place: Place, net: SiteNetwork) -> str:
    """Its configuration: the API server, and pods that ask for it by the usual annotations."""
    meta = "__meta_kubernetes_pod"
    annotation = f"{meta}_annotation_prometheus_io"
    return yaml.safe_dump(
        {
            "global": {
                "scrape_interval": "5s",
                "external_labels": {"environment": spec.environment, "site": spec.site},
            },
            "scrape_configs": [
                {
                    "job_name": "kube-apiserver",
                    "scheme": "https",
                    "tls_config": {
                        "ca_file": str(PurePath(place.pki, "ca.crt")),
                        "cert_file": str(PurePath(place.pki, "admin.crt")),
                        "key_file": str(PurePath(place.pki, "admin.key")),
                    },
                    "static_configs": [{"targets": [f"{net.management}:{API_PORT}"]}],
                },
                {
                    "job_name": "pods",
                    "kubernetes_sd_configs": [{"role": "pod", "kubeconfig_file": place.kubeconfig}],
                    "relabel_configs": [
                        _relabel("keep", [f"{annotation}_scrape"], regex="true"),
                        # nothing answers at a fake pod's address
                        _relabel("keep", [f"{meta}_ready"], regex="true"),
                        _relabel(
                            "replace", [f"{meta}_ip", f"{annotation}_port"], regex="(.+);(.+)",
                            target_label="__address__", replacement="$1:$2",
                        ),
                        _relabel(
                            "replace", [f"{annotation}_path"], regex="(.+)",
                            target_label="__metrics_path__",
                        ),
                        *(
                            _relabel("replace", [source], target_label=label)
                            for source, label in (
                                ("__meta_kubernetes_namespace", "namespace"),
                                (f"{meta}_name", "pod"), (f"{meta}_node_name", "node"),
                                (f"{meta}_label_app_kubernetes_io_name", "app"),
                            )
                        ),
                    ],
                },
            ],
        },
        sort_keys=False,
    )  # fmt: skip


def _relabel(action: str, sources: list[str], **others: str) -> dict[str, object]:
    return {"action": action, "source_labels": sources, **others}
