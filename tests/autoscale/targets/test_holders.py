"""The objects that hold nodes."""

import json

import msgspec

from autoscale.targets.holders import PRIORITY_VALUE, Shape, hold, let_go, priority
from autoscale.targets.pools import PoolSeen
from tests.autoscale.targets.objects import deployment, snapshot

SHAPE = Shape(namespace="isthmus", image="pause", requests={"cpu": "1m"})
SEEN = PoolSeen(
    pool="ads", ready=3, minimum=0, maximum=None, means="placeholder", standing=None, traffic_class="public"
)  # fmt: skip


def test_placeholder_pods_stand_one_on_a_node_and_before_nobody() -> None:
    """Apart from each other, on the pool, of the lowest priority that still counts, gone at once."""
    (ask,) = hold(SEEN, 6, SHAPE, buffer_version="")
    body = json.loads(ask.body)
    pod = body["spec"]["template"]["spec"]
    apart = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]
    assert body["spec"]["replicas"] == 6
    assert (
        apart["labelSelector"]["matchLabels"].items()
        <= body["spec"]["template"]["metadata"]["labels"].items()
    )
    assert pod["nodeSelector"] == {"isthmus.dev/pool": "ads"}
    assert pod["terminationGracePeriodSeconds"] == 0
    assert body["metadata"]["labels"]["isthmus.dev/class"] == "public"
    value = json.loads(priority().body)
    assert (value["value"], value["preemptionPolicy"]) == (PRIORITY_VALUE, "Never")
    assert pod["priorityClassName"] == value["metadata"]["name"]


def test_a_buffer_is_the_same_pods_that_nobody_starts() -> None:
    """Its template first, then the buffer in the version that is served."""
    seen = msgspec.structs.replace(SEEN, means="buffer")
    template, buffer = hold(seen, 6, SHAPE, buffer_version="v1alpha1")
    assert template.path.endswith("/podtemplates/isthmus-hold-ads")
    assert buffer.path.startswith("/apis/autoscaling.x-k8s.io/v1alpha1/")
    assert json.loads(buffer.body)["spec"] == {
        "podTemplateRef": {"name": "isthmus-hold-ads"},
        "replicas": 6,
    }


def test_a_command_is_given_where_the_image_needs_one() -> None:
    """The nodes of a local cluster run host programs."""
    shape = msgspec.structs.replace(SHAPE, command=("sleep", "1000"))
    body = json.loads(hold(SEEN, 1, shape, buffer_version="")[0].body)
    assert body["spec"]["template"]["spec"]["containers"][0]["command"] == ["sleep", "1000"]


def test_what_stands_is_changed_on_its_version_and_deleted_by_identity() -> None:
    """A Deployment made anew by somebody else under the name is not ours to take."""
    held = snapshot(deployments={"isthmus/isthmus-hold-ads": deployment()}).deployments[
        "isthmus/isthmus-hold-ads"
    ]
    seen = msgspec.structs.replace(SEEN, standing=held)
    assert (
        json.loads(hold(seen, 2, SHAPE, buffer_version="")[0].body)["metadata"]["resourceVersion"]
        == "7"
    )
    (ask,) = let_go(held, buffer_version="")
    assert json.loads(ask.body)["preconditions"] == {"uid": "u-isthmus-hold-ads"}
    buffers = snapshot(buffers={"isthmus/b": {"spec": {"replicas": 1}}}).buffers
    template, buffer = let_go(buffers["isthmus/b"], buffer_version="v1beta1")
    assert template.path == "/api/v1/namespaces/isthmus/podtemplates/b"
    assert "/capacitybuffers/" in buffer.path
