"""Which workloads there are: never one on a site that may not hold its class."""

import itertools

import pytest

from infra.config import ConfigError, Settings
from infra.names import SITES
from infra.policy_file import read_policy
from infra.stacks import ROOT
from infra.workloads import workloads
from policy.load import load_policy
from policy.model import Policy, Sensitivity

SHIPPED, TEXT = read_policy(Settings(), ROOT)


def changed(old: str, new: str) -> Policy:
    assert old in TEXT
    return load_policy(TEXT.replace(old, new).encode(), "policy.yaml")


def test_every_workload_is_where_its_class_may_be() -> None:
    """Under the shipped policy, over every choice of sites."""
    for sites in (*((site,) for site in SITES), SITES):
        listed = workloads(Settings(sites=sites), SHIPPED)
        assert {it.site for it in listed} == set(sites)
        for it in listed:
            needed = (
                Sensitivity.SENSITIVE if it.traffic_class == "sensitive" else Sensitivity.PUBLIC
            )
            assert SHIPPED.may_hold(it.site, needed)


def test_a_bridge_waits_for_the_other_side() -> None:
    """Without the public site it runs only where its brokers are named."""
    for sites, kafka, there in (
        (SITES, (), True), (("private",), (), False), (("private",), ("10.1.0.9:9092",), True),
    ):  # fmt: skip
        listed = workloads(Settings(sites=sites, kafka_public=kafka), SHIPPED)
        assert any(it.kind == "bridge" for it in listed) is there


def test_a_name_is_unique_within_its_site() -> None:
    """It is the name of the Deployment."""
    listed = workloads(Settings(), SHIPPED)
    assert len({(it.site, it.name) for it in listed}) == len(listed)


def test_whoever_touches_orders_or_streams_is_sensitive() -> None:
    """Core router, bridge, orders and profiles; nothing on the public site."""
    sensitive = {
        it.name for it in workloads(Settings(), SHIPPED) if it.traffic_class == "sensitive"
    }
    assert sensitive == {"router-core", "bridge", "orders", "profiles"}


def test_a_policy_that_takes_a_class_from_a_site_is_named() -> None:
    """Policy and stacks that disagree end before anything is described."""
    policy = changed(
        "private: {holds: [public, sensitive]}",
        "private: {holds: [public]}\n  vault: {holds: [sensitive]}",
    )
    with pytest.raises(ConfigError) as caught:
        workloads(Settings(), policy)
    said = str(caught.value)
    assert "isthmus:policy: site private may not hold sensitive, and router-core does" in said
    assert "fix: add it in local/policy.yaml" in said


def test_a_route_to_a_service_that_runs_nowhere_is_named() -> None:
    """With the route, what was expected and the command that looks."""
    policy = changed("service: profiles}", "service: search}")
    with pytest.raises(
        ConfigError,
        match="routes: profiles: service search runs on no site that may hold sensitive",
    ):
        workloads(Settings(), policy)


def test_only_what_a_scaler_owns_has_no_size_of_its_own() -> None:
    """Ads and routers are scaled, unless the bound is 0; data stores' clients are not."""
    for most, name in itertools.product((0, 9), ("ads", "router-edge", "router-core")):
        settings = Settings(ad_replicas_max=most, router_replicas_max=most)
        found = next(
            it for it in workloads(settings, SHIPPED) if it.name == name and it.replicas_max == most
        )
        assert found.replicas >= 1
    fixed = {it.name for it in workloads(Settings(), SHIPPED) if not it.replicas_max}
    assert {"bridge", "orders", "profiles"} <= fixed
