"""Resources for the rules, built from Kubernetes bodies, and the demo's policy."""

from infra.rules.ground import Ground
from infra.rules.resource import Resource
from infra.rules.values import properties
from policy.load import load_policy
from policy.model import Policy

POLICY = b"""\
version: isthmus/v1
sites:
  public: {holds: [public]}
  private: {holds: [public, sensitive]}
routes:
  - {id: ads, match: {paths: ["/ads"]}, class: public, service: ads}
  - {id: login, match: {paths: ["/login"]}, class: sensitive, service: ads}
  - {id: orders, match: {paths: ["/orders"]}, class: sensitive, service: orders}
streams:
  - {topic: clicks, from: public, to: private, carry: all}
  - {topic: offers, from: private, to: public, fields: {sku: "keep:text"}}
"""


def policy() -> Policy:
    return load_policy(POLICY, "policy.yaml")


GROUND = Ground(policy=policy())
PUBLIC = {"isthmus.dev/class": "public"}
SENSITIVE = {"isthmus.dev/class": "sensitive"}


def resource(
    kind: str, body: dict[str, object] | None = None, *, stack: str = "dev-public", provider: str = "p",
    name: str = "it",
) -> Resource:  # fmt: skip
    token = {
        "Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "ReplicaSet": "apps/v1",
        "Job": "batch/v1", "CronJob": "batch/v1", "Ingress": "networking.k8s.io/v1",
        "HorizontalPodAutoscaler": "autoscaling/v2", "KafkaTopic": "kafka.strimzi.io/v1beta2",
        "HTTPRoute": "gateway.networking.k8s.io/v1", "Release": "helm.sh/v3", "ScaledObject": "keda.sh/v1alpha1",
    }.get(kind.removesuffix("Patch"), "core/v1")  # fmt: skip
    of = kind if ":" in kind else f"kubernetes:{token}:{kind}"
    return Resource(
        urn=f"urn:pulumi:{stack}::isthmus::{of}::{name}", type=of, name=name,
        props=properties(body or {}), provider=provider,
    )  # fmt: skip


def named(name: str, labels: dict[str, str] | None = None, **more: object) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "shop", "labels": labels or {}}, **more}


def deployment(
    name: str = "ads", *, labels: dict[str, str] | None = None,
    template: dict[str, str] | None = None, container: dict[str, object] | None = None,
    **spec: object,
) -> dict[str, object]:  # fmt: skip
    """A Deployment that may be anywhere; each part can be changed."""
    return named(
        name, PUBLIC if labels is None else labels,
        spec={
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": PUBLIC if template is None else template},
                "spec": {"containers": [{"name": "main", "image": "i", **(container or {})}]},
            },
            **spec,
        },
    )  # fmt: skip
