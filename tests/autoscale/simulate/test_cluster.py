"""Pods and nodes come and go as the ground says, and none is lost on the way."""

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoscale.simulate.cluster import Cluster
from autoscale.simulate.ground import Ground, Lag, NodePool, PodStart


def cluster(replicas: int = 4, **pool) -> Cluster:
    ground = msgspec.structs.replace(Ground(), nodes=NodePool(**pool))
    return Cluster(ground, np.random.default_rng(1), replicas=replicas)


def until(of: Cluster, end_s: float, *, from_s: float = 0.0) -> None:
    """Scans every 10 s and settles everything due up to `end_s`."""
    now_s = from_s
    while now_s <= end_s:
        of.settle(now_s)
        of.scan(now_s)
        now_s += 10.0
    of.settle(end_s)


def test_a_pod_with_room_is_ready_after_its_start_time() -> None:
    """One free slot, one minute."""
    one = cluster(replicas=3)
    one.scale(0.0, 4)
    assert (one.ready, one.starting, one.waiting) == (3, 1, 0)
    one.settle(one.next_change_s())
    assert one.ready == 4


def test_a_pod_without_room_waits_for_a_node() -> None:
    """Node first, then the pod: four minutes and one, plus the scan."""
    one = cluster(replicas=4)
    one.scale(0.0, 5)
    assert one.waiting == 1
    until(one, 230.0)
    assert (one.nodes, one.waiting) == (1, 1)
    until(one, 310.0, from_s=240.0)
    assert (one.nodes, one.ready) == (2, 5)


def test_the_pool_never_exceeds_its_maximum() -> None:
    """What does not fit keeps waiting."""
    one = cluster(replicas=4, nodes_max=3)
    one.scale(0.0, 100)
    until(one, 1000.0)
    assert one.nodes == 3
    assert one.ready == 12
    assert one.waiting == 88


def test_a_failed_node_is_asked_for_again() -> None:
    """Every request fails half the time; the nodes come anyway."""
    one = cluster(replicas=4, failure_share=0.5)
    one.scale(0.0, 40)
    until(one, 6000.0)
    assert one.nodes == 10
    assert one.failures > 0


def test_nodes_go_only_after_the_idle_time() -> None:
    """A node that was needed within ten minutes stays."""
    one = cluster(replicas=40)
    one.retire(0.0)
    one.scale(1.0, 4)
    one.retire(60.0)
    one.retire(599.0)
    assert one.nodes == 10
    one.retire(600.0)
    one.retire(661.0)
    assert one.nodes == 1


def test_a_node_floor_brings_nodes_and_keeps_them() -> None:
    """Nodes come ahead of pods and do not idle out."""
    one = cluster(replicas=4)
    one.node_floor = 6
    until(one, 300.0)
    for minute in range(5, 30):
        one.retire(60.0 * minute)
    assert one.nodes == 6


def test_the_first_pod_of_a_node_pulls_and_pulls_contend() -> None:
    """With one pull at a time the second node's image takes twice as long."""
    ground = msgspec.structs.replace(Ground(), pods=PodStart(pull_s=20.0, pulls_at_once=1))
    one = Cluster(ground, np.random.default_rng(1), replicas=4)
    one.scale(0.0, 12)
    until(one, 240.0)
    until(one, 330.0, from_s=250.0)
    assert one.ready == 8  # 250 + 20 + 60 = 330 at the latest; the other node's at 350
    until(one, 350.0, from_s=340.0)
    assert one.ready == 12


def test_surplus_goes_from_those_who_serve_least() -> None:
    """Waiting pods go first, then starting, then the youngest ready."""
    one = cluster(replicas=3)
    one.scale(0.0, 8)
    assert (one.ready, one.starting, one.waiting) == (3, 1, 4)
    one.scale(1.0, 4)
    assert (one.ready, one.starting, one.waiting) == (3, 1, 0)
    one.scale(2.0, 2)
    assert (one.ready, one.starting, one.waiting) == (2, 0, 0)


def test_a_pod_is_measured_only_after_a_sample() -> None:
    """A pod ready just now has no sample yet."""
    one = cluster(replicas=3)
    one.scale(0.0, 4)
    one.settle(60.0)
    assert one.measured(45.0) == 3
    assert one.measured(60.0) == 4


@given(st.lists(st.integers(1, 60), max_size=30), st.integers(0, 1000))
def test_every_pod_asked_for_exists(targets: list[int], seed: int) -> None:
    """Whatever the order of scalings, arrivals and failures: pods exist as asked, within the nodes there are."""
    ground = msgspec.structs.replace(
        Ground(),
        pods=PodStart(start=Lag(median_s=30.0, sigma=0.5), pull_s=10.0, pulls_at_once=1),
        nodes=NodePool(provision=Lag(median_s=60.0, sigma=0.5), failure_share=0.2),
    )
    one = Cluster(ground, np.random.default_rng(seed), replicas=4)
    now_s = 0.0
    for target in targets:
        one.scale(now_s, target)
        assert one.replicas == target
        for _ in range(3):
            now_s += 20.0
            one.settle(now_s)
            one.scan(now_s)
        one.retire(now_s)
        assert one.replicas == target
        assert one.ready + one.starting <= one.nodes * 4
        assert min(one.ready, one.starting, one.waiting) >= 0
        assert one.ready == sum(count for _, count in one.ready_since)
