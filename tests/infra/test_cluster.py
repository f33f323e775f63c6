"""Cluster components: the same outputs and the same floor of safety on every driver."""

import pulumi
import pytest

from infra.cluster import driver_of
from infra.config import ConfigError, Settings
from infra.drivers.contract import Order
from infra.names import SITES
from infra.pools import pools
from infra.stacks import ROOT, build
from tests.infra.judged import violations
from tests.infra.stage import describe, existing_values

OFFERED = {
    "public": {"local", "eks", "ack", "existing"},
    "private": {"local", "existing", "k3s-ssh"},
}
DRIVERS = ("local", "eks", "ack", "existing", "k3s-ssh")


def order(site, driver: str) -> Order:
    settings = Settings(driver=driver)
    return Order(
        environment="dev", site=site, settings=settings, pools=pools(site, settings), root=ROOT
    )


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("driver", DRIVERS)
def test_each_site_takes_its_drivers_and_names_them_to_others(site, driver: str) -> None:
    """Every pair of site and driver is either served or refused with the list."""
    if driver in OFFERED[site]:
        assert callable(driver_of(order(site, driver)))
        return
    with pytest.raises(
        ConfigError, match=f"isthmus:driver: {driver} makes no {site} cluster"
    ) as caught:
        driver_of(order(site, driver))
    assert all(name in str(caught.value) for name in OFFERED[site])


@pytest.mark.parametrize("site", SITES)
def test_the_floor_is_there_before_anything_runs(site: str) -> None:
    """A namespace for restricted pods only, and nothing may connect until it is said; through the own provider."""
    stack = describe(build, stack=f"dev-{site}", values=existing_values())
    namespace = stack.one("Namespace")
    assert namespace.at("metadata.labels")["pod-security.kubernetes.io/enforce"] == "restricted"
    denied = stack.one("NetworkPolicy")
    assert denied.at("spec") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert all(f"::{site}::" in it.provider for it in stack.kubernetes())


def test_the_components_types_are_stable() -> None:
    """A renamed type would replace a cluster."""
    for site, kind in (("public", "PublicCluster"), ("private", "PrivateCluster")):
        stack = describe(build, stack=f"dev-{site}", values=existing_values())
        assert stack.one(kind).type == f"isthmus:infra:{kind}"


def test_the_wrong_driver_ends_the_run_without_a_traceback() -> None:
    """As a user's error, with the fix."""
    with pytest.raises(pulumi.RunError, match="fix: pulumi config set isthmus:driver local"):
        describe(build, stack="dev-private", values={"driver": "eks"})


def test_the_public_api_server_refuses_what_the_pack_refuses() -> None:
    """A policy and its binding, before anything else may come; the private site has nothing to refuse."""
    stack = describe(build, stack="dev-public", values=existing_values())
    rule = stack.one("ValidatingAdmissionPolicy")
    assert rule.at("spec.failurePolicy") == "Fail"
    binding = stack.one("ValidatingAdmissionPolicyBinding")
    assert binding.at("spec.policyName") == rule.at("metadata.name")
    assert "Deny" in binding.at("spec.validationActions")
    private = describe(build, stack="dev-private", values=existing_values())
    assert not private.all("ValidatingAdmissionPolicy")


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("values", [{}, existing_values()], ids=["local", "existing"])
def test_the_packs_rules_hold_for_a_cluster(site: str, values: dict[str, str]) -> None:
    """What this program describes passes what it demands of others."""
    stack = f"dev-{site}"
    assert [str(it) for it in violations(describe(build, stack=stack, values=values), stack)] == []
