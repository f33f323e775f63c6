"""Sensitive things only where the policy lets them be held. Unlabelled is sensitive, and a label is not the last word.

The class of an object is the highest of: what its labels say wherever data of it will be (pods, claims),
what the routes of policy.yaml say of the service it is named for, and what the streams say of a topic.
"""

from collections.abc import Iterator

from infra.names import LABEL_CLASS, LABEL_NAME
from infra.rules.ground import Ground
from infra.rules.resource import (
    CLOUD_TOPICS,
    CONFIGS,
    ROUTES,
    SECRETS,
    TOPICS,
    VOLUMES,
    WORKLOADS,
    Object,
    Resource,
    label_places,
    objects,
)
from infra.rules.rule import Rule
from infra.rules.values import Mark, Value, at, text
from policy.model import Policy, Sensitivity

GOVERNED = WORKLOADS | SECRETS | VOLUMES | CONFIGS | ROUTES
"""Kinds that are sensitive unless they say that they are not."""

RULE_ID = "sensitive-placement"
REMEDIATION = (
    f"put it on a site whose holds covers sensitive, or, if it holds nothing sensitive, label it {LABEL_CLASS}: public"
    " (its pod template and volume claims too)"
)


def refusal(site: str) -> str:
    """What is said, by the pack and by the clusters, of something sensitive at the wrong site."""
    return f"{RULE_ID}: site {site or '(not known)'} may not hold sensitive data, and this is sensitive"


def check(resource: Resource, ground: Ground) -> Iterator[str]:
    """One message per reason why the resource is sensitive, when its site may not hold that."""
    site = ground.site_of(resource)
    if ground.holds_sensitive(site):
        return
    for what, why in _sensitive(resource, site, ground.policy):
        yield f"{what}: {refusal(site)}: {why}"


def _sensitive(resource: Resource, site: str, policy: Policy) -> Iterator[tuple[str, str]]:
    """What is sensitive in a resource, and why."""
    if resource.type in CLOUD_TOPICS:
        name = text(resource.props.get("name")) or text(resource.props.get("topic"))
        if not topic_is_public(name, site, policy):
            yield f"topic {name or resource.name}", "no stream of the policy puts this topic here"
        return
    for found in objects(resource):
        for why in _reasons(found, site, policy):
            yield str(found), why


def _reasons(found: Object, site: str, policy: Policy) -> Iterator[str]:
    if found.kind in TOPICS:
        name = text(at(found.body, "spec", "topicName")) or found.name
        if not topic_is_public(name, site, policy):
            yield "no stream of the policy puts this topic here"
        return
    if found.kind not in GOVERNED and found.kind != "Service":
        return
    for place, labels in label_places(found):
        # a Service holds nothing itself: unlabelled it is only what its name says
        said = found.kind in GOVERNED or at(labels, LABEL_CLASS) is not None
        if said and (why := _label_fault(labels)):
            yield f"{place}: {why}"
    for name in sorted({found.name, text(at(found.labels, LABEL_NAME))} - {""}):
        if name in sensitive_services(policy):
            yield f"service {name} has sensitive routes only in the policy"


def _label_fault(labels: Value) -> str:
    value = at(labels, LABEL_CLASS)
    match value:
        case "public":
            return ""
        case "sensitive":
            return f"{LABEL_CLASS} is sensitive"
        case Mark():
            return f"{LABEL_CLASS} is not known before the run, and unknown is sensitive"
        case None:
            return f"no label {LABEL_CLASS}, and unlabelled is sensitive"
        case _:
            return f"{LABEL_CLASS} has a value that is no class, and unknown is sensitive"


def sensitive_services(policy: Policy) -> frozenset[str]:
    """Services that only sensitive routes lead to: nothing of theirs belongs on a public site."""
    public = {it.service for it in policy.routes if it.sensitivity is Sensitivity.PUBLIC}
    return frozenset(it.service for it in policy.routes) - public


def topic_is_public(name: str, site: str, policy: Policy) -> bool:
    """Whether the streams of the policy put a topic of that name on the site (as source, or as target)."""
    return any(
        (it.topic == name and it.source == site) or (it.target_topic == name and it.target == site)
        for it in policy.streams
    )


PLACEMENT = Rule(
    id=RULE_ID,
    demand="Sensitive workloads, secrets, volumes, configuration, topics and routes only on sites that may hold them.",
    remediation=REMEDIATION,
    check=check,
)
