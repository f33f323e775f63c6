"""Node and Lease objects."""

import json

import msgspec

from local.agent_node import (
    Host,
    Node,
    ObservedNodeStatus,
    lease_of,
    must_report,
    new_node,
    node_status,
    taint_of,
)
from local.agent_objects import Condition, Meta
from tests.local.agents import settings

HOST = Host(machine_id="m", boot_id="b", kernel="6", os_image="Linux", architecture="amd64")


def test_a_new_node_has_the_pools_labels_taints_and_room() -> None:
    """The three labels cannot be overridden; the address is the node's own."""
    asked = settings(
        labels={"zone": "a", "isthmus.dev/runtime": "kwok"}, taints=("dedicated=ads:NoSchedule",),
        cpu_millicores=2000, memory_mib=512, pods_max=9,
    )  # fmt: skip
    node = json.loads(msgspec.json.encode(new_node(asked, HOST, now_s=0.0)))
    labels = node["metadata"]["labels"]
    assert labels["isthmus.dev/pool"] == "ads"
    assert labels["isthmus.dev/runtime"] == "process"
    assert labels["isthmus.dev/class"] == "public"
    assert labels["zone"] == "a"
    assert node["spec"]["taints"] == [{"key": "dedicated", "value": "ads", "effect": "NoSchedule"}]
    status = node["status"]
    assert (status["capacity"]["cpu"], status["capacity"]["memory"]) == ("2000m", "512Mi")
    assert status["capacity"]["pods"] == "9"
    assert status["addresses"] == [{"type": "InternalIP", "address": "10.97.1.254"}]
    assert status["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert status["nodeInfo"]["kubeletVersion"].startswith("v1.")


def test_a_taint_without_a_value() -> None:
    """`key:Effect`."""
    taint = taint_of("a.dev/x:NoExecute")
    assert (taint.key, taint.value, taint.effect) == ("a.dev/x", "", "NoExecute")


def test_conditions_keep_their_time_and_others_are_kept() -> None:
    """A heartbeat is no transition."""
    before = (
        Condition(type="Ready", status="True", last_transition_time="t1"),
        Condition(type="NetworkUnavailable", status="False", last_transition_time="t2"),
        Condition(type="DiskPressure", status="Unknown", last_transition_time="t3"),
    )
    after = {
        it.type: it for it in node_status(settings(), HOST, before=before, now_s=9.0).conditions
    }
    assert after["Ready"].last_transition_time == "t1"
    assert after["NetworkUnavailable"] == before[1]
    assert after["DiskPressure"].last_transition_time == "1970-01-01T00:00:09Z"


def test_a_node_that_the_api_thinks_dead_must_speak() -> None:
    """Unknown, false, or never heard of."""
    for status, expected in (("True", False), ("Unknown", True), ("False", True)):
        condition = Condition(type="Ready", status=status)
        seen = ObservedNodeStatus(conditions=(condition,))
        assert must_report(Node(metadata=Meta(), status=seen)) is expected
    assert must_report(Node(metadata=Meta()))


def test_a_lease_has_microseconds_and_its_owner() -> None:
    """MicroTime, and gone with the node."""
    lease = json.loads(msgspec.json.encode(lease_of(settings(), node_uid="u", now_s=1.5)))
    assert lease["spec"]["renewTime"] == "1970-01-01T00:00:01.500000Z"
    assert lease["metadata"]["ownerReferences"][0]["uid"] == "u"
    assert lease["spec"]["leaseDurationSeconds"] == 4
