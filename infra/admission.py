"""The same refusal inside the clusters: a ValidatingAdmissionPolicy in CEL, made from policy.yaml. Pure.

Whoever uses `kubectl apply` instead of Pulumi meets the rule `sensitive-placement` all the same, from the API
server itself. A site that may hold sensitive data gets no policy: there is nothing to refuse.
"""

import msgspec
from msgspec import Struct

from infra.names import LABEL_CLASS, LABEL_NAME, LABEL_PART_OF, PART_OF
from infra.rules.sensitivity import REMEDIATION, refusal, sensitive_services
from policy.model import Policy, Sensitivity

API_VERSION = "admissionregistration.k8s.io/v1"
NAME = "isthmus-sensitive-placement"
OWN_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")
"""What the cluster keeps there without labels is its own; what says it is sensitive is refused there too."""


class _Manifest(Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what becomes JSON as Kubernetes writes it."""


class Metadata(_Manifest, frozen=True, kw_only=True):
    """Name and labels."""

    name: str
    labels: dict[str, str]


class ResourceRule(_Manifest, frozen=True, kw_only=True):
    """Which requests are looked at."""

    api_groups: tuple[str, ...]
    api_versions: tuple[str, ...]
    resources: tuple[str, ...]
    operations: tuple[str, ...] = ("CREATE", "UPDATE")


class MatchConstraints(_Manifest, frozen=True, kw_only=True):
    """All of them; equivalent versions of the API too."""

    resource_rules: tuple[ResourceRule, ...]
    match_policy: str = "Equivalent"


class Expression(_Manifest, frozen=True, kw_only=True):
    """A named CEL expression."""

    name: str
    expression: str


class Validation(_Manifest, frozen=True, kw_only=True):
    """What must be true, and what is said when it is not."""

    expression: str
    message: str
    message_expression: str
    reason: str = "Forbidden"


class PolicySpec(_Manifest, frozen=True, kw_only=True):
    """Fails closed: an expression that cannot be worked out refuses."""

    match_constraints: MatchConstraints
    match_conditions: tuple[Expression, ...]
    variables: tuple[Expression, ...]
    validations: tuple[Validation, ...]
    failure_policy: str = "Fail"


class AdmissionPolicy(_Manifest, frozen=True, kw_only=True):
    """The rule."""

    metadata: Metadata
    spec: PolicySpec
    api_version: str = API_VERSION
    kind: str = "ValidatingAdmissionPolicy"


class BindingSpec(_Manifest, frozen=True, kw_only=True):
    """Refuse, and leave a mark in the audit log."""

    policy_name: str
    validation_actions: tuple[str, ...] = ("Deny", "Audit")


class AdmissionBinding(_Manifest, frozen=True, kw_only=True):
    """Puts the rule in force for the whole cluster."""

    metadata: Metadata
    spec: BindingSpec
    api_version: str = API_VERSION
    kind: str = "ValidatingAdmissionPolicyBinding"


class Admission(Struct, frozen=True, kw_only=True):
    """Both manifests."""

    policy: AdmissionPolicy
    binding: AdmissionBinding


_GOVERNED = (
    ResourceRule(api_groups=("apps",), api_versions=("v1",), resources=("deployments", "statefulsets", "daemonsets", "replicasets")),
    ResourceRule(api_groups=("batch",), api_versions=("v1",), resources=("jobs", "cronjobs")),
    ResourceRule(api_groups=("",), api_versions=("v1",), resources=("pods", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims", "persistentvolumes", "services")),
    ResourceRule(api_groups=("networking.k8s.io",), api_versions=("v1",), resources=("ingresses",)),
    ResourceRule(api_groups=("gateway.networking.k8s.io",), api_versions=("*",), resources=("httproutes", "grpcroutes", "tcproutes", "tlsroutes")),
    ResourceRule(api_groups=("kafka.strimzi.io",), api_versions=("*",), resources=("kafkatopics",)),
)  # fmt: skip
"""The kinds of `rules.sensitivity`, as the API names them; groups a cluster does not serve match nothing."""


def admission(policy: Policy, site: str) -> Admission | None:
    """The manifests for the cluster of `site`; None when it may hold sensitive data."""
    if policy.may_hold(site, Sensitivity.SENSITIVE):
        return None
    metadata = Metadata(name=NAME, labels={LABEL_PART_OF: PART_OF})
    return Admission(
        policy=AdmissionPolicy(metadata=metadata, spec=_spec(policy, site)),
        binding=AdmissionBinding(metadata=metadata, spec=BindingSpec(policy_name=NAME)),
    )


def manifests(policy: Policy, site: str) -> list[dict[str, object]]:
    """Both as plain data, to be applied as they are; empty when the site may hold sensitive data."""
    made = admission(policy, site)
    if made is None:
        return []
    plain = (msgspec.to_builtins(it, str_keys=True) for it in (made.policy, made.binding))
    return [msgspec.convert(it, dict[str, object]) for it in plain]


def _spec(policy: Policy, site: str) -> PolicySpec:
    message = f"{refusal(site)}; {REMEDIATION}"
    return PolicySpec(
        match_constraints=MatchConstraints(resource_rules=_GOVERNED),
        match_conditions=_CONDITIONS,
        variables=_variables(policy, site),
        validations=(
            Validation(
                expression="variables.why.size() == 0",
                message=message,
                message_expression=f"{quoted(refusal(site))} + ': ' + variables.why[0] + '; ' + {quoted(REMEDIATION)}",
            ),
        ),
    )


_CONDITIONS = (
    Expression(
        name="not-made-by-the-cluster-itself",
        expression="!(object.kind == 'ConfigMap' && object.metadata.?name.orValue('') == 'kube-root-ca.crt'"
        " && object.?data.orValue({}).all(key, key == 'ca.crt') && !object.?binaryData.hasValue())",
    ),
    Expression(
        # else what was there before the policy could never be taken away
        name="not-on-its-way-out",
        expression="!has(object.metadata.deletionTimestamp)",
    ),
)


def _variables(policy: Policy, site: str) -> tuple[Expression, ...]:
    """Worked out when asked for; `why` is what refuses, and says what."""
    label = f"?metadata.?labels[?{quoted(LABEL_CLASS)}].orValue('')"
    own = f"request.namespace in {_words(OWN_NAMESPACES)}"
    classes = (
        f"[object.{label}]"
        f" + (object.?spec.?template.hasValue() ? [object.spec.template.{label}] : [])"
        " + (object.?spec.?jobTemplate.hasValue()"
        f" ? [object.spec.jobTemplate.{label}, object.spec.jobTemplate.spec.template.{label}] : [])"
        f" + object.?spec.?volumeClaimTemplates.orValue([]).map(claim, claim.{label})"
    )
    names = (
        # the API server knows the type of a name and not that of a label: a list has one type
        "[dyn(object.metadata.?name.orValue('')),"
        f" dyn(object.metadata.?labels[?{quoted(LABEL_NAME)}].orValue(''))]"
    )
    topics = sorted(
        {it.topic for it in policy.streams if it.source == site}
        | {it.target_topic for it in policy.streams if it.target == site}
    )
    topic = "object.?spec.?topicName.orValue(object.metadata.?name.orValue(''))"
    by_label = (
        "variables.classes.all(it, it == 'public' || (it == '' && variables.tolerated)) ? []"
        f" : [{quoted(f'not labelled {LABEL_CLASS}: public, and unlabelled is sensitive')}]"
    )
    by_topic = (
        f"{topic} in {_words(topics)} ? [] : ['no stream of the policy puts this topic here']"
    )
    by_name = (
        f"variables.names.exists(it, it in {_words(sorted(sensitive_services(policy)))})"
        " ? ['its service has sensitive routes only in the policy'] : []"
    )
    return (
        # A volume is made by the cluster for a claim that was judged; a Service holds nothing itself.
        Expression(
            name="tolerated",
            expression=f"{own} || object.kind in ['Service', 'PersistentVolume']",
        ),
        Expression(name="classes", expression=classes),
        Expression(name="names", expression=names),
        Expression(
            name="why",
            expression=f"(object.kind == 'KafkaTopic' ? ({by_topic}) : ({by_label})) + ({by_name})",
        ),
    )


def quoted(words: str) -> str:
    """A CEL string; its escapes are JSON's."""
    return msgspec.json.encode(words).decode()


def _words(words: "tuple[str, ...] | list[str]") -> str:
    return f"[{', '.join(quoted(word) for word in words)}]"
