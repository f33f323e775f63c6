"""The bodies and paths of writes: server-side apply, merge patch, delete; each pinned to the state looked at. Pure."""

from collections.abc import Mapping

import msgspec

from autoscale.kube.ports import APPLY, MERGE_PATCH, Ask
from autoscale.kube.resources import Resource

MANAGER = "isthmus-autoscale"
"""Our field manager: what it owns is ours, and is given back."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The object a write goes to; `version` is the one that was looked at: a write on any other is refused."""

    resource: Resource
    namespace: str = ""
    name: str
    version: str = ""


def apply(
    place: Place, content: Mapping[str, object], *, force: bool, subresource: str = ""
) -> Ask:
    """Server-side apply of exactly `content`: of the object, only these fields are ours."""
    resource = place.resource
    body = {
        "apiVersion": resource.api_version, "kind": resource.kind,
        **content, "metadata": _meta(place, content.get("metadata")),
    }  # fmt: skip
    return Ask(
        method="PATCH", path=resource.path(place.namespace, place.name, subresource),
        query={"fieldManager": MANAGER, "force": "true" if force else "false"},
        body=msgspec.json.encode(body), content=APPLY,
    )  # fmt: skip


def merge(place: Place, content: Mapping[str, object], *, manager: str = MANAGER) -> Ask:
    """A merge patch under `manager`: how a field is handed back to whom it belonged."""
    body = {**content, "metadata": _meta(place, content.get("metadata"))}
    return Ask(
        method="PATCH", path=place.resource.path(place.namespace, place.name),
        query={"fieldManager": manager}, body=msgspec.json.encode(body), content=MERGE_PATCH,
    )  # fmt: skip


def delete(place: Place, uid: str) -> Ask:
    """Delete this very object, and no newer state of it."""
    only = {"uid": uid} | ({"resourceVersion": place.version} if place.version else {})
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": only}
    return Ask(
        method="DELETE", path=place.resource.path(place.namespace, place.name),
        body=msgspec.json.encode(options),
    )  # fmt: skip


def _meta(place: Place, more: object) -> dict[str, object]:
    found: dict[str, object] = {"name": place.name}
    if place.namespace:
        found["namespace"] = place.namespace
    if place.version:
        found["resourceVersion"] = place.version
    return found | (msgspec.convert(more, dict[str, object]) if more else {})
