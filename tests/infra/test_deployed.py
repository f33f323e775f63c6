"""A workload's objects: what is there for each, and what must not be."""

import pytest

from infra.deployed import INTERNAL, SKIP_AWAIT
from tests.infra.fabrics import described
from tests.infra.judged import violations


def test_a_deployment_under_a_scaler_has_no_size() -> None:
    """Who owns the size writes it: two writers fight over it."""
    stack = described()
    scaled = {it.name for it in stack.all("HorizontalPodAutoscaler")}
    assert scaled == {"public-ads", "public-router-edge", "private-router-core"}
    for it in stack.all("Deployment"):
        assert (it.at("spec.replicas") is None) == (it.name in scaled)


def test_without_a_scaler_the_size_is_the_configured_one() -> None:
    """Bound 0 switches it off."""
    stack = described(adReplicasMax="0", adReplicas="7")
    assert stack.one("Deployment", "public-ads").at("spec.replicas") == 7
    assert "public-ads" not in {it.name for it in stack.all("HorizontalPodAutoscaler")}


def test_a_scaler_owns_its_deployment_within_bounds() -> None:
    """From the configured floor to the configured bound."""
    found = described().one("HorizontalPodAutoscaler", "public-ads")
    assert (found.at("spec.minReplicas"), found.at("spec.maxReplicas")) == (3, 12)
    assert found.at("spec.scaleTargetRef.name") == "ads"


def test_every_workload_has_a_budget_and_an_identity() -> None:
    """A drain takes one pod at a time; no two programs share an account."""
    stack = described()
    names = {it.name for it in stack.all("Deployment")}
    assert {it.name for it in stack.all("PodDisruptionBudget")} == names
    assert names <= {it.name for it in stack.all("ServiceAccount")}
    assert all(it.at("automountServiceAccountToken") is False for it in stack.all("ServiceAccount"))


def test_no_service_of_the_private_site_is_a_load_balancer() -> None:
    """Whatever is configured for the edge."""
    stack = described(edgeExposure="LoadBalancer", coreExposure="NodePort")
    balanced = {it.name for it in stack.all("Service") if it.at("spec.type") == "LoadBalancer"}
    assert balanced == {"public-router-edge"}


def test_whatever_door_the_api_host_gets_is_one_the_policy_pack_lets_pass() -> None:
    """A node port states that its network is private; nothing public and no plain ClusterIP states so."""
    for exposure in ("ClusterIP", "NodePort"):
        stack = described(coreExposure=exposure, edgeExposure="NodePort")
        assert violations(stack, "dev-fabric") == ()
        stated = {
            it.name
            for it in stack.all("Service")
            if it.at("metadata.annotations") == {**SKIP_AWAIT, **INTERNAL}
        }
        assert stated == ({"private-router-core"} if exposure == "NodePort" else set())


def test_services_behind_a_router_have_no_door_of_their_own() -> None:
    """Headless: only who may read endpoints finds them."""
    for it in described(edgeExposure="LoadBalancer").all("Service"):
        routed = it.name in {"public-router-edge", "private-router-core"}
        assert (it.at("spec.clusterIP") == "None") != routed


def test_a_load_balancer_hands_on_its_ads_port_alone() -> None:
    """Not the probe port; and clients keep their addresses, which the network policy needs."""
    found = described(edgeExposure="LoadBalancer").one("Service", "public-router-edge")
    assert [port["name"] for port in found.at("spec.ports")] == ["http"]
    assert found.at("spec.externalTrafficPolicy") == "Local"
    assert found.at("metadata.annotations") is None


def test_only_a_load_balancer_is_waited_for() -> None:
    """Other Services are ready when their pods are."""
    for it in described().all("Service"):
        assert it.at("metadata.annotations") == {"pulumi.com/skipAwait": "true"}


@pytest.mark.parametrize("seconds", ["60", "300"])
def test_waiting_is_bounded_by_the_configuration(seconds: str) -> None:
    """For every object of a workload."""
    stack = described(awaitS=seconds)
    for kind in ("Deployment", "Service", "NetworkPolicy", "HorizontalPodAutoscaler"):
        assert {it.create_timeout for it in stack.all(kind)} == {f"{seconds}s"}


def test_two_bridges_never_run_at_once() -> None:
    """They would fence each other; everything else rolls without a gap."""
    for it in described().all("Deployment"):
        kind = it.at("spec.strategy.type")
        assert kind == ("Recreate" if it.name == "private-bridge" else "RollingUpdate")
        if kind == "RollingUpdate":
            assert it.at("spec.strategy.rollingUpdate.maxUnavailable") == 0
