"""What is known of one kind."""

import json

from autoscale.kube.objects import Hpa
from autoscale.kube.store import Store


def item(name: str = "x", version: int = 1, uid: str = "u", low: int = 1) -> bytes:
    meta = {"name": name, "namespace": "ads", "uid": uid, "resourceVersion": str(version)}
    return json.dumps({"metadata": meta, "spec": {"minReplicas": low}}).encode()


def test_a_list_replaces_everything_and_makes_it_synced() -> None:
    """What is not in the list is gone."""
    calls: list[int] = []
    store = Store(Hpa, lambda: calls.append(1))
    assert not store.synced
    store.replace([item("a"), item("b")])
    store.replace([item("b")])
    assert store.synced
    assert list(store.snapshot()) == ["ads/b"]
    assert len(calls) == 2


def test_an_older_state_does_not_overwrite_a_newer_one() -> None:
    """The answer to a write may overtake the watch that tells of the state before it."""
    store = Store(Hpa)
    store.put(item(version=9, low=9))
    store.put(item(version=8, low=8))
    assert store.snapshot()["ads/x"].spec.min_replicas == 9
    store.put(item(version=10, low=10))
    assert store.snapshot()["ads/x"].spec.min_replicas == 10


def test_an_object_made_anew_is_newer_whatever_its_version() -> None:
    """And the end of the old one does not take it away."""
    store = Store(Hpa)
    store.put(item(version=9, uid="old"))
    store.put(item(version=3, uid="new", low=3))
    store.drop(item(version=9, uid="old"))
    assert store.snapshot()["ads/x"].spec.min_replicas == 3
    store.drop(item(version=4, uid="new"))
    assert store.snapshot() == {}


def test_what_cannot_be_read_is_counted_and_stops_nothing() -> None:
    """One odd object hides no other."""
    store = Store(Hpa)
    store.replace([b'{"metadata": 7}', item("good")])
    assert (list(store.snapshot()), store.unreadable) == (["ads/good"], 1)
    store.put(b"no json")
    store.drop(b"no json")
    assert (list(store.snapshot()), store.unreadable) == (["ads/good"], 3)
