"""Every cluster resource has a provider of its own, and every provider knows its cluster by a name that stays. Pure."""

from collections.abc import Iterator

from infra.rules.ground import Ground
from infra.rules.resource import Resource, is_set
from infra.rules.rule import Rule

PLACED = frozenset({"kubernetes", "aws", "alicloud"})
"""Packages whose default provider would go wherever the shell that runs it happens to point."""
KUBERNETES_PROVIDER = "pulumi:providers:kubernetes"


def is_default(provider: str) -> bool:
    """Whether the engine made this provider up: `default`, or `default_VERSION`."""
    return provider == "default" or provider.startswith("default_")


def check_explicit(resource: Resource, _ground: Ground) -> Iterator[str]:
    """A resource of a package that has places must not use a default provider."""
    if resource.package in PLACED and is_default(resource.provider):
        yield f"{resource.name} uses the default {resource.package} provider"


def check_identifier(resource: Resource, _ground: Ground) -> Iterator[str]:
    """A Kubernetes provider must name its cluster."""
    if resource.type != KUBERNETES_PROVIDER or is_default(resource.name):
        return
    if not is_set(resource.props.get("clusterIdentifier")):
        yield f"provider {resource.name} has no clusterIdentifier: new credentials would replace everything it made"


EXPLICIT = Rule(
    id="explicit-provider",
    demand="Resources with a place name their provider: a default one goes wherever the shell points.",
    remediation="pass opts=ResourceOptions(provider=…), or put it under a component that has one",
    check=check_explicit,
)
IDENTIFIER = Rule(
    id="cluster-identifier",
    demand="Every Kubernetes provider names its cluster, so that a changed kubeconfig replaces nothing.",
    remediation="give the provider cluster_identifier=, a name that stays for the life of the cluster",
    check=check_identifier,
)
