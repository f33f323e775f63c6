"""A Promotion as the Kubernetes object, both ways, and what is wrong with one in words with a line."""

from datetime import datetime
from typing import cast

import msgspec
from msgspec import inspect

from autoscale.kube.resources import PROMOTIONS
from autoscale.places import mapping
from autoscale.plan.validity import faults_of
from autoscale.wording import Source, converted, timed
from contracts.promotion import Name, Promotion, PromotionSpec
from policy.problems import Problem

API_VERSION, KIND = PROMOTIONS.api_version, PROMOTIONS.kind
APPROVED = "isthmus.dev/approved"
"""Annotation that approves a promotion of mode Approve, when it is `true`."""


class Metadata(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is read of an object's metadata; the API server has more."""

    name: Name
    namespace: Name = "default"
    annotations: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    creation_timestamp: datetime | None = None


class Manifest(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """The object; its status is not read here."""

    api_version: str
    kind: str
    metadata: Metadata
    spec: PromotionSpec
    status: object = None


def read_manifest(plain: object, source: Source) -> tuple[Promotion | None, list[Problem]]:
    """The promotion of a decoded object, or everything that keeps it from being one."""
    plain, problems = _with_times(plain, source)
    if problems:
        return None, problems
    manifest, problems = converted(plain, Manifest, source)
    if manifest is None:
        return None, problems
    if (manifest.api_version, manifest.kind) != (API_VERSION, KIND):
        said = f"{manifest.kind} of {manifest.api_version}"
        fault = source.problem(
            "kind", f"is a {said}", expected=f"{KIND} of {API_VERSION}", fix="correct apiVersion and kind"
        )  # fmt: skip
        return None, [fault]
    promotion = Promotion(
        namespace=manifest.metadata.namespace, name=manifest.metadata.name, spec=manifest.spec,
        approved=manifest.metadata.annotations.get(APPROVED) == "true",
        created=manifest.metadata.creation_timestamp,
    )  # fmt: skip
    return promotion, faults(promotion, source.under("spec."))


def _with_times(plain: object, source: Source) -> tuple[object, list[Problem]]:
    given = mapping(plain)
    if not isinstance(given.get("spec"), dict):
        return plain, []
    spec, problems = timed(mapping(given["spec"]), source.under("spec."), None)
    return given | {"spec": spec}, problems


def manifest_of(promotion: Promotion) -> dict[str, object]:
    """The object to be applied, without what the API server fills in itself."""
    metadata: dict[str, object] = {"name": promotion.name, "namespace": promotion.namespace}
    if promotion.approved:
        metadata["annotations"] = {APPROVED: "true"}
    spec = _short(msgspec.to_builtins(promotion.spec), inspect.type_info(PromotionSpec))
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def _short(plain: object, kind: inspect.Type) -> object:
    """Without fields that stand at their default."""
    match kind, plain:
        case inspect.StructType(fields=fields), dict():
            values = msgspec.convert(cast("object", plain), dict[str, object])
            return {
                field.encode_name: _short(values[field.encode_name], field.type)
                for field in fields
                if values[field.encode_name] != msgspec.to_builtins(_default(field))
            }
        case inspect.VarTupleType(item_type=item), (list() | tuple()):
            return [_short(one, item) for one in msgspec.convert(plain, list[object])]
        case ((inspect.Metadata() as outer), _):
            return _short(plain, outer.type)
        case inspect.UnionType(types=types), dict():
            return _short(
                cast("object", plain),
                next(one for one in types if isinstance(one, inspect.StructType)),
            )
        case _:
            return plain


def _default(field: inspect.Field) -> object:
    return "" if field.required else field.default


def faults(promotion: Promotion, source: Source) -> list[Problem]:
    """What the planner would call Invalid; the source stands at the spec."""
    found: list[Problem] = []
    for one in faults_of(promotion):
        place = _indexed(one.subject.removeprefix("spec."), promotion)
        message, _, fix = one.message.partition("; ")
        found.append(
            source.problem(place, message, expected="what the API server takes", fix=fix or f"correct {place}")
        )  # fmt: skip
    return found


def _indexed(subject: str, promotion: Promotion) -> str:
    """`workloads[ads]` is said by name and stands in a file by number."""
    for n, workload in enumerate(promotion.spec.workloads):
        subject = subject.replace(f"workloads[{workload.name}]", f"workloads[{n}]")
    for n, entry in enumerate(promotion.spec.nodes):
        subject = subject.replace(f"nodes[{entry.pool}]", f"nodes[{n}]")
    return subject
