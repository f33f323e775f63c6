"""How many pods are sent to."""

from autoscale.verify.serving import serving_pods
from tests.autoscale.targets.objects import deployment, snapshot


def slice_of(service: str, *pods: str, ready: bool | None = None) -> dict[str, object]:
    conditions = {} if ready is None else {"ready": ready}
    endpoints = [
        {"conditions": conditions, "targetRef": {"kind": "Pod", "name": pod}} for pod in pods
    ]
    return {"metadata": {"labels": {"kubernetes.io/service-name": service}}, "endpoints": endpoints}


def served(
    services: dict[str, dict[str, object]], slices: dict[str, dict[str, object]]
) -> int | None:
    all_ = snapshot(deployments={"ads/x": deployment(app="x")}, services=services, slices=slices)
    return serving_pods(all_.deployments["ads/x"], all_.services.values(), all_.slices.values())


FRONT = {"ads/front": {"spec": {"selector": {"app": "x"}}}}


def test_without_a_service_nothing_is_said() -> None:
    """None in its namespace selects it; one without a selector selects nothing."""
    assert served({}, {}) is None
    assert served({"other/front": FRONT["ads/front"]}, {}) is None
    assert (
        served({"ads/front": {"spec": {"selector": {"app": "y"}}}, "ads/bare": {"spec": {}}}, {})
        is None
    )


def test_ready_endpoints_of_its_pods_count_once() -> None:
    """Over several slices; not ready ones, pods of another workload and of a longer name do not."""
    slices = {
        "ads/1": slice_of("front", "x-7c9d-abcde", "x-7c9d-fghij"),
        "ads/2": slice_of("front", "x-7c9d-abcde"),
        "ads/3": slice_of("front", "x-7c9d-klmno", ready=False),
        "ads/4": slice_of("front", "x-y-7c9d-abcde"),
        "ads/5": slice_of("other", "x-7c9d-pqrst"),
        "other/6": slice_of("front", "x-7c9d-uvwxy"),
    }
    assert served(FRONT, slices) == 2
    assert served(FRONT, {}) == 0


def test_of_several_services_the_one_with_the_fewest_counts() -> None:
    """A pod that one of them does not send to does not serve there."""
    services = FRONT | {"ads/back": {"spec": {"selector": {"app": "x"}}}}
    slices = {
        "ads/1": slice_of("front", "x-1-abcde", "x-1-fghij"),
        "ads/2": slice_of("back", "x-1-abcde", ready=True),
    }
    assert served(services, slices) == 1
