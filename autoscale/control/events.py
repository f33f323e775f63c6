"""What a person reads in `kubectl get events`: a phase that changed, a condition that came up. Each is told once."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

import msgspec

from autoscale.kube.objects import Meta
from autoscale.kube.ports import Ask
from autoscale.kube.resources import EVENTS, PROMOTIONS
from autoscale.kube.writes import MANAGER
from contracts.promotion import PromotionCondition, PromotionStatus

KEPT_MAX = 200
"""Untold events beyond this are dropped, oldest first: conditions say the same."""
NOTE_MAX = 1000
"""Kubernetes takes 1 KiB."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A status that is written: of what, what it was when that was decided, and what it becomes."""

    meta: Meta
    before: PromotionStatus
    after: PromotionStatus


class Announcer:
    """Collects events of status changes until they are taken; told at most once each by their name."""

    def __init__(self) -> None:
        self._kept: list[Ask] = []

    def changed(self, change: Change, *, now: datetime) -> None:
        """The status of a promotion was written."""
        for kind, reason, note in _differences(change.before, change.after):
            self._kept.append(_event(change.meta, kind, reason, note=note, now=now))
        del self._kept[:-KEPT_MAX]

    def take(self) -> list[Ask]:
        """What is to be told now."""
        kept, self._kept = self._kept, []
        return kept


def _differences(before: PromotionStatus, after: PromotionStatus) -> Iterator[tuple[str, str, str]]:
    if before.phase != after.phase:
        figures = f"replicas {after.replicas or '-'}, nodes {after.nodes or '-'}"
        yield "Normal", after.phase, f"{before.phase} -> {after.phase}; {figures}"
    known = {one.type: one.status for one in before.conditions}
    for one in after.conditions:
        if known.get(one.type) != one.status and _is_bad(one):
            yield "Warning", one.type, one.message


def _is_bad(one: PromotionCondition) -> bool:
    good = one.type in {"NodesReady", "ReplicasReady"}
    return one.status == ("False" if good else "True")


def _event(meta: Meta, kind: str, reason: str, *, note: str, now: datetime) -> Ask:
    # the same change told twice, by us before and after a crash, has the same name and is refused once
    print_ = f"{meta.uid} {meta.resource_version} {reason} {note}"
    name = f"{meta.name}.{hashlib.sha256(print_.encode()).hexdigest()[:16]}"
    body = {
        "apiVersion": EVENTS.api_version, "kind": EVENTS.kind,
        "metadata": {"name": name, "namespace": meta.namespace},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": "isthmus.dev/autoscale", "reportingInstance": MANAGER,
        "action": "Reconcile", "reason": reason, "type": kind, "note": note[:NOTE_MAX],
        "regarding": {
            "apiVersion": PROMOTIONS.api_version, "kind": PROMOTIONS.kind, "name": meta.name,
            "namespace": meta.namespace, "uid": meta.uid,
        },
    }  # fmt: skip
    return Ask(method="POST", path=EVENTS.within(meta.namespace), body=msgspec.json.encode(body))
