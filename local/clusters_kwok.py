"""What the programs of a control plane are told: kwokctl's configuration, the kubeconfig, the add-ons. Pure."""

import base64
from pathlib import PurePath

import msgspec
import yaml

from local.clusters_block import API_PORT, SiteNetwork

NAME = "isthmus"
"""kwokctl's name of every cluster: each has a state directory of its own, so one name is enough."""
ADMINISTRATOR = "kwok-admin"
"""The common name of the one certificate kwokctl issues; the API server shows it to add-ons."""
KWOK_PORT = 10247
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
METRICS_PATH = "/metrics/nodes/{node}/metrics/resource"
"""Where the fake nodes' controller serves one node's figures."""

_METRICS = (
    # kind, dimension, name, expression: what metrics-server reads of a node
    ("counter", "container", "container_cpu_usage_seconds_total", 'pod.CumulativeUsage("cpu", container.name)'),
    ("gauge", "container", "container_memory_working_set_bytes", 'pod.Usage("memory", container.name)'),
    ("gauge", "container", "container_start_time_seconds", "pod.SinceSecond()"),
    ("counter", "pod", "pod_cpu_usage_seconds_total", 'pod.CumulativeUsage("cpu")'),
    ("gauge", "pod", "pod_memory_working_set_bytes", 'pod.Usage("memory")'),
    ("counter", "node", "node_cpu_usage_seconds_total", 'node.CumulativeUsage("cpu")'),
    ("gauge", "node", "node_memory_working_set_bytes", 'node.Usage("memory")'),
    ("gauge", "node", "scrape_error", "0"),
)  # fmt: skip
_LABELS = {
    "node": (),
    "pod": (("namespace", "pod.metadata.namespace"), ("pod", "pod.metadata.name")),
    "container": (
        ("container", "container.name"),
        ("namespace", "pod.metadata.namespace"),
        ("pod", "pod.metadata.name"),
    ),
}
_USAGE = """\
"kwok.x-k8s.io/usage-{name}" in pod.metadata.annotations
? Quantity(pod.metadata.annotations["kwok.x-k8s.io/usage-{name}"])
: Quantity("{default}")
"""


def kwokctl_config(net: SiteNetwork, *, pki: str, figures: str) -> str:
    """The configuration file of `kwokctl create cluster`.

    `pki` is the directory its certificates will be in, `figures` the file that holds `figures_config`.
    """
    config = {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokctlConfiguration",
        "options": {
            # etcd asks nobody for a password: it and the controllers listen on loopback only
            "bindAddress": "127.0.0.1",
            "kubeApiserverPort": API_PORT,
            "kwokControllerPort": KWOK_PORT,
            "kubeApiserverCertSANs": [net.management, net.gateway, net.link, "kubernetes.default.svc"],
            # a dead node is seen after 4 s, where the defaults need 220 s; fake ones renew after a quarter of it
            "heartbeatFactor": 1,
            "nodeLeaseDurationSeconds": 4,
            "kubeControllerManagerNodeMonitorPeriodMilliseconds": 500,
            "kubeControllerManagerNodeMonitorGracePeriodMilliseconds": 4000,
        },
        "componentsPatches": [
            _patch("kube-apiserver", {
                "bind-address": "0.0.0.0",  # noqa: S104 - all of a namespace that is the cluster's own
                # without a default route it finds no address to advertise, and ends
                "advertise-address": net.management,
                "service-cluster-ip-range": net.services,
                "default-not-ready-toleration-seconds": "1",
                "default-unreachable-toleration-seconds": "1",
                # add-ons behind the API server learn by these who is asking; only it may say so
                "requestheader-client-ca-file": str(PurePath(pki, "ca.crt")),
                "requestheader-allowed-names": ADMINISTRATOR,
                "requestheader-extra-headers-prefix": "X-Remote-Extra-",
                "requestheader-group-headers": "X-Remote-Group",
                "requestheader-username-headers": "X-Remote-User",
            }),
            _patch("kube-controller-manager", {
                # the defaults evict one node in ten seconds, and none once more than half are gone
                "node-eviction-rate": "10",
                "secondary-node-eviction-rate": "10",
                "large-cluster-size-threshold": "1",
                "unhealthy-zone-threshold": "1",
            }),
            _patch("kwok-controller", {
                "manage-all-nodes": "false",
                "manage-nodes-with-label-selector": "isthmus.dev/runtime=kwok",
                "server-address": f"{net.management}:{KWOK_PORT}",
                # beside its own: kwokctl hands these on only to a metrics-server it starts itself
                "config": figures,
            }),
        ],
    }  # fmt: skip
    return yaml.safe_dump(config, sort_keys=False)


def _patch(component: str, values: dict[str, str]) -> dict[str, object]:
    arguments = [{"key": key, "value": value} for key, value in values.items()]
    return {"name": component, "extraArgs": arguments}


def figures_config() -> str:
    """What fake nodes answer metrics-server: fake pods use what their annotations say."""
    return yaml.safe_dump_all([_metric(), _usage()], sort_keys=False)


def _metric() -> dict[str, object]:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Metric",
        "metadata": {"name": "metrics-resource"},
        "spec": {
            "path": METRICS_PATH.format(node="{nodeName}"),
            "metrics": [
                {
                    "name": name,
                    "dimension": dimension,
                    "kind": kind,
                    "help": name,
                    "labels": [{"name": key, "value": value} for key, value in _LABELS[dimension]],
                    "value": expression,
                }
                for kind, dimension, name, expression in _METRICS
            ],
        },
    }


def _usage() -> dict[str, object]:
    usage = {
        name: {"expression": _USAGE.format(name=name, default=default)}
        for name, default in (("cpu", "1m"), ("memory", "1Mi"))
    }
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterResourceUsage",
        "metadata": {"name": "usage-from-annotation"},
        "spec": {"usages": [{"usage": usage}]},
    }


def create_command(bin_directory: str, config: str, kubeconfig: str) -> tuple[str, ...]:
    """`kwokctl create cluster`; it downloads any program that is not named, so all are."""
    binaries = tuple(
        f"--{'kwok-controller' if it == 'kwok' else it}-binary={PurePath(bin_directory, it)}"
        for it in COMPONENTS
    )
    return (
        str(PurePath(bin_directory, "kwokctl")), "create", "cluster", "--name", NAME, "--runtime",
        "binary", "--config", config, "--kubeconfig", kubeconfig, *binaries,
    )  # fmt: skip


def start_command(bin_directory: str) -> tuple[str, ...]:
    """`kwokctl start cluster`: the programs of one that was made before."""
    return (str(PurePath(bin_directory, "kwokctl")), "start", "cluster", "--name", NAME)


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a client shows and checks, PEM."""

    authority: bytes
    certificate: bytes
    key: bytes


def kubeconfig(name: str, server: str, *, credentials: Credentials) -> str:
    """A kubeconfig that works from anywhere on this machine: nothing in it is a path."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [
                {
                    "name": name,
                    "cluster": {
                        "server": server,
                        "certificate-authority-data": _inlined(credentials.authority),
                    },
                }
            ],
            "users": [
                {
                    "name": name,
                    "user": {
                        "client-certificate-data": _inlined(credentials.certificate),
                        "client-key-data": _inlined(credentials.key),
                    },
                }
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        },
        sort_keys=False,
    )


def _inlined(data: bytes) -> str:
    return base64.b64encode(data).decode()
