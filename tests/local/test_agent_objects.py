"""Objects as the API server writes them."""

import msgspec

from local.agent_objects import Condition, ConfigMap, Pod, Secret

POD = b"""{"kind":"Pod","metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"5",
"managedFields":[{"manager":"x"}],"deletionTimestamp":"2026-01-01T00:00:00Z","deletionGracePeriodSeconds":0},
"spec":{"nodeName":"ads-1","restartPolicy":"OnFailure","tolerations":[{"key":"k"}],
"containers":[{"name":"c","image":"i","terminationMessagePath":"/x"}]},
"status":{"phase":"Pending","podIP":"10.0.0.1","conditions":[{"type":"PodScheduled","status":"True",
"lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:00Z"}]}}"""


def test_a_pod_is_read_and_what_is_not_ours_is_passed_over() -> None:
    """Unknown fields are other people's, nulls are absent values."""
    pod = msgspec.json.decode(POD, type=Pod)
    assert pod.metadata.deletion_grace_period_seconds == 0
    assert pod.spec.restart_policy == "OnFailure"
    assert pod.status.pod_ip == "10.0.0.1"
    assert pod.status.conditions[0].type == "PodScheduled"


def test_defaults_are_the_apis() -> None:
    """An object written by hand, without the defaults the server adds."""
    pod = msgspec.json.decode(b'{"metadata":{"name":"a"}}', type=Pod)
    assert pod.spec.restart_policy == "Always"
    assert pod.spec.termination_grace_period_seconds == 30


def test_bytes_travel_as_base64() -> None:
    """A Secret's data and a ConfigMap's binaryData."""
    secret = msgspec.json.decode(b'{"metadata":{"name":"s"},"data":{"k":"aGk="}}', type=Secret)
    assert secret.data == {"k": b"hi"}
    data = b'{"metadata":{"name":"s"},"data":{"t":"x"},"binaryData":{"b":"AAE="}}'
    config_map = msgspec.json.decode(data, type=ConfigMap)
    assert (config_map.data, config_map.binary_data) == ({"t": "x"}, {"b": b"\0\x01"})


def test_a_condition_is_written_back_as_it_was() -> None:
    """Others' conditions go round through us; an empty time would be refused by the API."""
    text = b'{"type":"X","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}'
    assert msgspec.json.encode(msgspec.json.decode(text, type=Condition)) == text
