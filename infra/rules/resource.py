"""A resource as the rules see it, and the Kubernetes objects in it. Pure."""

from collections.abc import Iterator

from msgspec import Struct

from infra.rules.values import Value, at, listed, text

LISTS = "List"
PATCHES = "Patch"

WORKLOADS = frozenset(
    {
        "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob",
        "Pod", "Release",
    }
)  # fmt: skip
"""Kinds that run something; a Helm release is one whose content cannot be seen."""
SECRETS = frozenset({"Secret", "SealedSecret", "ExternalSecret"})
VOLUMES = frozenset({"PersistentVolumeClaim", "PersistentVolume"})
CONFIGS = frozenset({"ConfigMap"})
TOPICS = frozenset({"KafkaTopic"})
ROUTES = frozenset({"Ingress", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"})
CLOUD_TOPICS = frozenset({"kafka:index/topic:Topic", "alicloud:alikafka/topic:Topic"})
"""Topics that a cloud's or Kafka's own provider makes."""


class Resource(Struct, frozen=True, kw_only=True):
    """One resource: its inputs, and the name of the provider that makes it (empty for none)."""

    urn: str
    type: str
    name: str
    props: dict[str, Value]
    provider: str = ""

    @property
    def stack(self) -> str:
        """The stack in the URN `urn:pulumi:STACK::PROJECT::TYPE::NAME`."""
        return self.urn.split("::", 1)[0].removeprefix("urn:pulumi:")

    @property
    def package(self) -> str:
        """The package of the type; `pulumi` for providers."""
        return self.type.split(":", 1)[0]


class Object(Struct, frozen=True, kw_only=True):
    """One Kubernetes object; `body` is all of it."""

    kind: str
    body: dict[str, Value]

    @property
    def name(self) -> str:
        """Its name, empty when it is generated or not known yet."""
        return text(at(self.body, "metadata", "name"))

    @property
    def namespace(self) -> str:
        """Its namespace, `default` when none is given."""
        return text(at(self.body, "metadata", "namespace")) or "default"

    @property
    def labels(self) -> Value:
        """Its own labels."""
        return at(self.body, "metadata", "labels")

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name or '(generated)'}"


def objects(resource: Resource) -> Iterator[Object]:
    """The Kubernetes objects a resource describes; patches count as what they patch, lists as their items."""
    if resource.package != "kubernetes" or resource.type.count(":") != 2:
        return
    kind = resource.type.rpartition(":")[2]
    if kind.endswith(LISTS):
        for item in listed(resource.props.get("items")):
            if isinstance(item, dict):
                yield Object(kind=text(item.get("kind")) or kind.removesuffix(LISTS), body=item)
        return
    yield Object(kind=kind.removesuffix(PATCHES), body=resource.props)


def pod_templates(found: Object) -> Iterator[Value]:
    """The pods a workload makes, as templates (with metadata and spec); the pod itself for a Pod."""
    match found.kind:
        case "Pod":
            yield found.body
        case "CronJob":
            yield at(found.body, "spec", "jobTemplate", "spec", "template")
        case "Release":
            return
        case kind if kind in WORKLOADS:
            yield at(found.body, "spec", "template")
        case _:
            return


def label_places(found: Object) -> Iterator[tuple[str, Value]]:
    """Every place where labels of something that will hold data are written, by its path."""
    yield "metadata.labels", found.labels
    match found.kind:
        case "Pod" | "Release":
            return
        case "CronJob":
            yield (
                "spec.jobTemplate.metadata.labels",
                at(found.body, "spec", "jobTemplate", "metadata", "labels"),
            )
            yield "spec.jobTemplate.spec.template.metadata.labels", at(
                found.body, "spec", "jobTemplate", "spec", "template", "metadata", "labels"
            )  # fmt: skip
        case kind if kind in WORKLOADS:
            path = ("spec", "template", "metadata", "labels")
            yield ".".join(path), at(found.body, *path)
        case _:
            pass
    for n, claim in enumerate(listed(at(found.body, "spec", "volumeClaimTemplates"))):
        place = f"spec.volumeClaimTemplates[{n}].metadata.labels"
        yield place, at(claim, "metadata", "labels")


def containers(found: Object) -> Iterator[dict[str, Value]]:
    """Every container of every pod, those that run first included."""
    for template in pod_templates(found):
        for key in ("initContainers", "containers", "ephemeralContainers"):
            for container in listed(at(template, "spec", key)):
                if isinstance(container, dict):
                    yield container


def is_set(value: Value) -> bool:
    """Whether something stands there, visible or not."""
    return value not in (None, "")
