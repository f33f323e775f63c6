"""Bodies and paths of writes."""

import json

from autoscale.kube.resources import HPAS
from autoscale.kube.writes import MANAGER, Place, apply, delete, merge

PLACE = Place(resource=HPAS, namespace="ads", name="x", version="7")


def test_apply_sends_only_what_is_given_on_the_version_looked_at() -> None:
    """Kind, name and version, and the one field."""
    ask = apply(PLACE, {"spec": {"minReplicas": 4}}, force=False)
    assert json.loads(ask.body) == {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": {"minReplicas": 4},
        "metadata": {"name": "x", "namespace": "ads", "resourceVersion": "7"},
    }  # fmt: skip
    assert (ask.query, ask.content) == (
        {"fieldManager": MANAGER, "force": "false"}, "application/apply-patch+yaml",
    )  # fmt: skip
    assert apply(PLACE, {}, force=True, subresource="status").path.endswith("/x/status")


def test_a_merge_patch_speaks_for_the_manager_named() -> None:
    """What is handed back belongs to whom it belonged to; more metadata is kept."""
    ask = merge(PLACE, {"metadata": {"finalizers": []}}, manager="helm")
    assert ask.query == {"fieldManager": "helm"}
    assert json.loads(ask.body)["metadata"]["finalizers"] == []
    assert json.loads(ask.body)["metadata"]["resourceVersion"] == "7"


def test_a_delete_takes_this_very_object() -> None:
    """One made anew under the name stays."""
    assert json.loads(delete(PLACE, "u1").body)["preconditions"] == {
        "uid": "u1",
        "resourceVersion": "7",
    }
    bare = Place(resource=HPAS, namespace="ads", name="x")
    assert json.loads(delete(bare, "u1").body)["preconditions"] == {"uid": "u1"}
