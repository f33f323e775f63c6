"""Paths of the API."""

from autoscale.kube.resources import DEPLOYMENTS, HPAS, NODES, SERVICES, buffers


def test_paths_of_groups_and_of_the_core() -> None:
    """Lists, objects and subresources; cluster-wide kinds have no namespace."""
    assert HPAS.everywhere == "/apis/autoscaling/v2/horizontalpodautoscalers"
    assert HPAS.path("ads", "x") == "/apis/autoscaling/v2/namespaces/ads/horizontalpodautoscalers/x"
    assert DEPLOYMENTS.path("ads", "x", "scale").endswith("/deployments/x/scale")
    assert SERVICES.within("ads") == "/api/v1/namespaces/ads/services"
    assert NODES.path("", "n1") == "/api/v1/nodes/n1"
    assert buffers("v1beta1").api_version == "autoscaling.x-k8s.io/v1beta1"
    assert SERVICES.api_version == "v1"
