"""Nothing that holds sensitive data gets an address the Internet can be routed to. Pure."""

from collections.abc import Iterator

from infra.names import LABEL_CLASS
from infra.rules.ground import Ground
from infra.rules.resource import Object, Resource, objects
from infra.rules.rule import Rule
from infra.rules.values import Mark, Value, at, text

INTERNAL = {
    "service.beta.kubernetes.io/aws-load-balancer-scheme": ("internal",),
    "service.beta.kubernetes.io/aws-load-balancer-internal": ("true",),
    "alb.ingress.kubernetes.io/scheme": ("internal",),
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": ("intranet",),
    "service.beta.kubernetes.io/alicloud-loadbalancer-address-type": ("intranet",),
    "networking.gke.io/load-balancer-type": ("Internal",),
    "service.beta.kubernetes.io/azure-load-balancer-internal": ("true",),
    "isthmus.dev/exposure": ("internal",),
}
"""Annotations that make a load balancer internal; the last is for what no cloud looks at (MetalLB, node ports)."""

PUBLIC_TYPES = frozenset({"LoadBalancer", "NodePort"})


def check(resource: Resource, ground: Ground) -> Iterator[str]:
    """A Service or Ingress of a private site, or of sensitive class anywhere, must be internal."""
    private = ground.holds_sensitive(ground.site_of(resource))
    for found in objects(resource):
        if not private and text(at(found.labels, LABEL_CLASS)) != "sensitive":
            continue
        opening = _opening(found)
        if opening and not is_internal(at(found.body, "metadata", "annotations")):
            yield f"{found} is {opening} and says nowhere that it is internal"


def _opening(found: Object) -> str:
    """How it may be reached from outside, empty when it may not."""
    match found.kind:
        case "Ingress":
            return "an Ingress"
        case "Service":
            kind = at(found.body, "spec", "type")
            if isinstance(kind, Mark):
                return "of a type that is not known before the run"
            return f"of type {kind}" if kind in PUBLIC_TYPES else ""
        case _:
            return ""


def is_internal(annotations: Value) -> bool:
    """Whether one of the annotations says so."""
    return any(at(annotations, key) in values for key, values in INTERNAL.items())


PRIVATE_EXPOSURE = Rule(
    id="private-exposure",
    demand="No public load balancer, node port or ingress for services of a site that holds sensitive data.",
    remediation="use ClusterIP, or the cloud's annotation for an internal load balancer; where no cloud looks at one, "
    "isthmus.dev/exposure: internal states that the network is private",
    check=check,
)
