"""Workloads as they stand."""

import pytest

from autoscale.targets.workloads import split, target_of
from tests.autoscale.targets.objects import deployment, hpa, snapshot

HPA = "HorizontalPodAutoscaler/ads/x"


def test_an_hpa_is_its_floor_and_the_pods_of_what_it_scales() -> None:
    """Ready from the Deployment, not from the HPA's own figure."""
    status = {"currentReplicas": 9, "desiredReplicas": 6}
    seen = target_of(
        HPA, snapshot(hpas={"ads/x": hpa(status=status)}, deployments={"ads/x": deployment(5, 3)})
    )
    assert seen is not None
    assert (seen.floor, seen.ceiling, seen.replicas, seen.ready, seen.desired) == (4, 20, 5, 3, 6)
    assert (seen.autoscaler, seen.trouble, seen.sleeping) == ("", "", False)


def test_a_stateful_set_and_a_kind_nobody_knows() -> None:
    """The second is told by the HPA's own figure."""
    sets = snapshot(
        hpas={"ads/x": hpa(kind="StatefulSet")}, stateful_sets={"ads/x": deployment(7, 6)}
    )
    assert target_of(HPA, sets).ready == 6
    strange = snapshot(hpas={"ads/x": hpa(kind="Rollout", status={"currentReplicas": 3})})
    assert target_of(HPA, strange).ready == 3


@pytest.mark.parametrize(
    "key", [HPA, "Deployment/ads/x", "ScaledObject/ads/x", "DaemonSet/ads/x", "nonsense"]
)
def test_what_does_not_exist_is_none(key: str) -> None:
    """A key of another shape too."""
    assert target_of(key, snapshot()) is None
    assert split("nonsense") == ("", "", "")


def test_an_hpa_that_keda_keeps_belongs_to_keda() -> None:
    """KEDA writes over its HPA: the ScaledObject has to be named."""
    name = "keda-hpa-x"
    scaled = {
        "ads/x": {
            "spec": {"scaleTargetRef": {"name": "x"}, "minReplicaCount": 2, "maxReplicaCount": 30}
        }
    }
    all_ = snapshot(
        hpas={f"ads/{name}": hpa(name)}, scaled_objects=scaled, deployments={"ads/x": deployment()}
    )
    assert target_of(f"HorizontalPodAutoscaler/ads/{name}", all_).autoscaler == "ScaledObject/x"
    seen = target_of("ScaledObject/ads/x", all_)
    assert (seen.floor, seen.ceiling, seen.ready, seen.fields.floor) == (
        2,
        30,
        4,
        "minReplicaCount",
    )


def test_a_deployment_that_something_scales_is_not_scaled_by_us_too() -> None:
    """Its HPA, or its ScaledObject; one of another namespace does not count."""
    bare = snapshot(deployments={"ads/x": deployment()}, hpas={"other/x": hpa()})
    assert target_of("Deployment/ads/x", bare).autoscaler == ""
    scaled = snapshot(deployments={"ads/x": deployment()}, hpas={"ads/h": hpa()})
    assert target_of("Deployment/ads/x", scaled).autoscaler == "HorizontalPodAutoscaler/h"


def test_an_hpa_that_does_not_scale_says_why() -> None:
    """In the HPA's own words; one that is well says nothing."""
    bad = {
        "type": "ScalingActive",
        "status": "False",
        "reason": "FailedGetResourceMetric",
        "message": "no metrics",
    }
    good = {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound", "message": ""}
    told = {
        one["status"]: target_of(
            HPA, snapshot(hpas={"ads/x": hpa(status={"conditions": [one]})})
        ).trouble
        for one in (bad, good)
    }
    assert told == {"False": "FailedGetResourceMetric: no metrics", "True": ""}


def test_pods_that_no_service_sends_to_do_not_count_as_ready() -> None:
    """Ready by the kubelet, not in the endpoints."""
    slices = {"ads/x-1": {
        "metadata": {"labels": {"kubernetes.io/service-name": "front"}},
        "endpoints": [{"targetRef": {"kind": "Pod", "name": "x-7c9d-abcde"}}],
    }}  # fmt: skip
    services = {"ads/front": {"spec": {"selector": {"app": "x"}}}}
    all_ = snapshot(
        hpas={"ads/x": hpa()},
        deployments={"ads/x": deployment(4, 4)},
        services=services,
        slices=slices,
    )
    assert target_of(HPA, all_).ready == 1


def test_an_hpa_of_a_workload_at_zero_sleeps() -> None:
    """Kubernetes switches it off there."""
    all_ = snapshot(hpas={"ads/x": hpa()}, deployments={"ads/x": deployment(0, 0)})
    assert target_of(HPA, all_).sleeping
