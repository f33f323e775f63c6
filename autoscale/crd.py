"""The CRD `promotions.isthmus.dev`, generated from the contract: `python -m autoscale.crd` writes it.

The API server refuses what the planner would call Invalid, in words of ours (CEL), fills in defaults, and shows
phase, start and figures in `kubectl get promotions`. The committed file equals the generated one (its test).
"""

import sys
from pathlib import Path
from typing import cast

import yaml

from autoscale.crd_schema import Schema, schema_of
from autoscale.kube.resources import PROMOTIONS
from contracts.promotion import DURATION, PromotionSpec, PromotionStatus

FILE = Path(__file__).with_name("promotion-crd.yaml")

SOUND = f"matches('^{DURATION}$')"
"""A text that is no duration is refused where it stands; rules that compare it then have nothing to say."""


def _at_most(place: str, longest: str) -> str:
    return f"!self.{place}.{SOUND} || duration(self.{place}) <= duration('{longest}')"


SPEC_RULES = (
    ("self.end > self.start", "end must be after start: set a later end", ".end"),
    (
        "self.end - self.start <= duration('744h')",
        "a promotion lasts 31 days (744h) at most: split it", ".end",
    ),
    (
        _at_most("lead", "168h"),
        "lead is 168h at most: nodes a week ahead cost more than they are worth", ".lead",
    ),
    (_at_most("leadMax", "168h"), "leadMax is 168h at most", ".leadMax"),
    (
        f"!self.release.every.{SOUND} || duration(self.release.every) > duration('0s')",
        "release.every must be above 0s: steps need time between them, for example 2m", ".release",
    ),
    (
        _at_most("release.maxHold", "168h"),
        "release.maxHold is 168h at most: set a later end instead", ".release",
    ),
    (
        "self.workloads.all(w, self.workloads.exists_one(o, o.ref.kind == w.ref.kind && o.ref.name == w.ref.name))",
        "two entries of workloads name the same ref: keep one", ".workloads",
    ),
    (
        "!has(self.nodes) || self.nodes.all(n, has(n.add) || self.workloads.exists(w, has(w.pool) && w.pool == n.pool))",
        "nodes without add need a workload with that pool: set add, or pool and replicasPerNode", ".nodes",
    ),
)  # fmt: skip
"""CEL rule, what to say, and where it stands."""

ROOT_RULES = (
    ("self.metadata.name.size() <= 63", "the name is a label's value: 63 characters at most"),
    (
        "!has(oldSelf.status) || !has(oldSelf.status.phase) || self.spec.start == oldSelf.spec.start "
        "|| !(oldSelf.status.phase in ['Active', 'Cooling', 'Released'])",
        "start cannot change once the promotion has begun: make a new one",
    ),
    (
        "!has(oldSelf.status) || !has(oldSelf.status.phase) || self.spec.end >= oldSelf.spec.end "
        "|| oldSelf.status.phase != 'Active'",
        "end cannot move forward while the promotion is on: delete it to release early",
    ),
)  # fmt: skip

COLUMNS = (
    ("Mode", "string", ".spec.mode", 0), ("Phase", "string", ".status.phase", 0),
    ("Start", "string", ".spec.start", 0), ("End", "string", ".spec.end", 1),
    ("Replicas", "string", ".status.replicas", 0), ("Nodes", "string", ".status.nodes", 0),
    ("Short", "integer", ".status.shortfall", 0), ("Node-Hours", "number", ".status.nodeHours", 1),
    ("Age", "date", ".metadata.creationTimestamp", 0),
)  # fmt: skip
"""Title, type, place, priority (1: only with -o wide). Ready/wanted, as kubectl shows Deployments."""


def document() -> Schema:
    """The whole CRD."""
    names = {
        "kind": PROMOTIONS.kind, "listKind": f"{PROMOTIONS.kind}List",
        "plural": PROMOTIONS.plural, "singular": "promotion",
        "shortNames": ["promo"], "categories": ["isthmus"],
    }  # fmt: skip
    version: Schema = {
        "name": PROMOTIONS.version, "served": True, "storage": True, "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": place, "priority": priority}
            for name, kind, place, priority in COLUMNS
        ],
        "schema": {"openAPIV3Schema": _root()},
    }  # fmt: skip
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PROMOTIONS.plural}.{PROMOTIONS.group}"},
        "spec": {
            "group": PROMOTIONS.group, "scope": "Namespaced", "names": names, "versions": [version],
        },
    }  # fmt: skip


def _root() -> Schema:
    spec, status = schema_of(PromotionSpec), schema_of(PromotionStatus)
    spec["x-kubernetes-validations"] = [
        {"rule": rule, "message": message, "fieldPath": place}
        for rule, message, place in SPEC_RULES
    ]
    for parent, name, key in (
        (spec, "workloads", "name"), (spec, "nodes", "pool"), (status, "baselines", "workload"),
        (status, "poolBaselines", "pool"), (status, "conditions", "type"),
    ):  # fmt: skip
        _field(parent, name).update(
            {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}
        )
    return {
        "type": "object",
        "description": "A sale: nodes and replicas ready before it starts, released safely after it.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"}, "kind": {"type": "string"},
            "metadata": {"type": "object"}, "spec": spec, "status": status,
        },
        "x-kubernetes-validations": [
            {"rule": rule, "message": message} for rule, message in ROOT_RULES
        ],
    }  # fmt: skip


def _field(schema: Schema, name: str) -> Schema:
    return cast("dict[str, Schema]", schema["properties"])[name]


def text() -> str:
    """The file's content."""
    head = "# Generated from contracts/promotion.py by `python -m autoscale.crd`; do not edit.\n"
    return head + yaml.safe_dump(document(), sort_keys=False, width=100, allow_unicode=True)


def main() -> int:
    """Write the file."""
    FILE.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
