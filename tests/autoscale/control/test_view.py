"""The caches of the controller."""

import json
import random
import threading
import time

import pytest

from autoscale.control.clock import SystemClock
from autoscale.control.view import View, served_buffers
from autoscale.kube.ports import RefusedError
from tests.autoscale.control.fake_api import FakeApi, status
from tests.autoscale.control.fake_shop import HPA, Shop


def view_of(api: FakeApi, version: str = "") -> View:
    return View(
        api, changed=lambda: None, clock=SystemClock(), chance=random.Random(1), buffer_version=version
    )  # fmt: skip


def test_every_kind_is_listed_once_and_then_it_is_synced() -> None:
    """The snapshot has them all."""
    shop = Shop()
    shop.promote()
    view = view_of(shop.api)
    assert not view.synced
    view.fill()
    found = view.snapshot()
    assert view.synced
    assert (len(found.nodes), len(found.hpas), len(found.promotions)) == (3, 1, 1)


def test_the_answer_to_a_write_is_known_at_once() -> None:
    """Of kinds that are kept; of a deletion the watch tells."""
    shop = Shop()
    view = view_of(shop.api)
    view.fill()
    changed = json.loads(json.dumps(shop.api.get(HPA)))
    changed["spec"]["minReplicas"], changed["metadata"]["resourceVersion"] = 9, "99999"
    view.took("HorizontalPodAutoscaler", json.dumps(changed).encode())
    assert view.snapshot().hpas["ads/ad-service"].spec.min_replicas == 9
    view.took("Lease", b"{}")
    view.took("HorizontalPodAutoscaler", b"{}", gone=True)


def test_a_cluster_without_keda_is_no_fault_and_one_without_nodes_is() -> None:
    """404 of an optional kind is an empty list."""
    shop = Shop()
    shop.api.before = lambda ask: status(404, "NotFound", "no") if "keda" in ask.path else None
    view_of(shop.api).fill()
    shop.api.before = lambda ask: status(403, "Forbidden", "no") if "nodes" in ask.path else None
    with pytest.raises(RefusedError):
        view_of(shop.api).fill()


def test_the_newest_served_version_of_capacity_buffers_is_found() -> None:
    """None where the group is unknown, or serves only what is not known here."""
    api = FakeApi()
    assert served_buffers(api) == ""
    api.served = {"autoscaling.x-k8s.io/v1alpha1"}
    assert served_buffers(api) == "v1alpha1"
    api.served |= {"autoscaling.x-k8s.io/v1beta1"}
    assert served_buffers(api) == "v1beta1"
    api.served = {"autoscaling.x-k8s.io/v9"}
    assert served_buffers(api) == ""
    assert "CapacityBuffer" in view_of(api, "v1beta1").reflectors


def test_watches_run_until_they_are_stopped() -> None:
    """One thread per kind."""
    shop, stop = Shop(), threading.Event()
    view = view_of(shop.api)
    threads = view.start(stop)
    deadline = time.monotonic() + 20
    while not view.synced:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    stop.set()
    shop.api.closed.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
