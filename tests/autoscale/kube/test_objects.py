"""Objects as they are read."""

import json

import msgspec
import pytest

from autoscale.kube.objects import EndpointSlice, Hpa, Meta, Node


def read(kind: type, plain: object):
    return msgspec.json.decode(json.dumps(plain), type=kind)


def test_unknown_keys_are_left_alone_and_missing_ones_have_the_api_servers_defaults() -> None:
    """A newer API server stops nothing."""
    hpa = read(
        Hpa,
        {
            "metadata": {"name": "x", "new": 1},
            "spec": {"maxReplicas": 7, "metrics": []},
            "more": {},
        },
    )
    assert (hpa.spec.min_replicas, hpa.spec.max_replicas) == (1, 7)
    assert read(EndpointSlice, {"metadata": {}, "endpoints": None}).service == ""


@pytest.mark.parametrize(
    ("changes", "ready"),
    [
        ({}, True), ({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, False),
        ({"status": {}}, False), ({"spec": {"unschedulable": True}}, False),
        ({"metadata": {"name": "n", "deletionTimestamp": "2026-11-11T00:00:00Z"}}, False),
    ],
)  # fmt: skip
def test_a_node_counts_while_it_is_ready_and_stays(
    changes: dict[str, object], *, ready: bool
) -> None:
    """One that is cordoned or going takes no pod."""
    node = {
        "metadata": {"name": "n"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    assert (read(Node, node | changes).ready is not None) == ready


def test_the_key_of_an_object() -> None:
    """Namespace and name, or the name alone."""
    assert Meta(name="x", namespace="ads").key == "ads/x"
    assert Meta(name="n1").key == "n1"
