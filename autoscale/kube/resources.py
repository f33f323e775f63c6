"""Where kinds live in the API: group, version, plural, and the paths of lists, objects and subresources. Pure."""

import msgspec


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One kind; `group` is empty for the core."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As objects carry it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """The group's path."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    @property
    def everywhere(self) -> str:
        """The path that lists it in all namespaces."""
        return f"{self.root}/{self.plural}"

    def within(self, namespace: str) -> str:
        """The path that lists it in one namespace, and takes new ones."""
        return f"{self.root}/namespaces/{namespace}/{self.plural}" if namespace else self.everywhere

    def path(self, namespace: str, name: str, subresource: str = "") -> str:
        """One object's path."""
        tail = f"/{subresource}" if subresource else ""
        return f"{self.within(namespace if self.namespaced else '')}/{name}{tail}"


PROMOTIONS = Resource(
    group="isthmus.dev", version="v1alpha1", plural="promotions", kind="Promotion"
)
HPAS = Resource(
    group="autoscaling", version="v2", plural="horizontalpodautoscalers", kind="HorizontalPodAutoscaler"
)  # fmt: skip
DEPLOYMENTS = Resource(group="apps", version="v1", plural="deployments", kind="Deployment")
STATEFUL_SETS = Resource(group="apps", version="v1", plural="statefulsets", kind="StatefulSet")
SCALED_OBJECTS = Resource(
    group="keda.sh", version="v1alpha1", plural="scaledobjects", kind="ScaledObject"
)
NODES = Resource(group="", version="v1", plural="nodes", kind="Node", namespaced=False)
SERVICES = Resource(group="", version="v1", plural="services", kind="Service")
SLICES = Resource(
    group="discovery.k8s.io", version="v1", plural="endpointslices", kind="EndpointSlice"
)
LEASES = Resource(group="coordination.k8s.io", version="v1", plural="leases", kind="Lease")
EVENTS = Resource(group="events.k8s.io", version="v1", plural="events", kind="Event")
PRIORITIES = Resource(
    group="scheduling.k8s.io", version="v1", plural="priorityclasses", kind="PriorityClass", namespaced=False
)  # fmt: skip
POD_TEMPLATES = Resource(group="", version="v1", plural="podtemplates", kind="PodTemplate")
BUFFER_GROUP = "autoscaling.x-k8s.io"
BUFFER_VERSIONS = ("v1beta1", "v1alpha1")
"""Newest first; which one is served is discovered."""


def buffers(version: str) -> Resource:
    """CapacityBuffers in the version that is served."""
    return Resource(
        group=BUFFER_GROUP, version=version, plural="capacitybuffers", kind="CapacityBuffer"
    )
