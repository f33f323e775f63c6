"""Pods: probes, resources, security, spread, and only the files and secrets that are theirs."""

import pytest

from infra.config import Settings, parse
from infra.pods import binding, selector
from infra.policy_file import read_policy
from infra.stacks import ROOT
from infra.workloads import workloads
from tests.infra.fabrics import described
from tests.infra.stage import Made

POLICY, _ = read_policy(Settings(), ROOT)


def deployments() -> list[Made]:
    return described().all("Deployment")


def container(made: Made) -> dict:
    return made.at("spec.template.spec.containers.0")


def test_every_pod_meets_the_restricted_standard() -> None:
    """No root, no privilege, no writable root file system, no capability, the runtime's seccomp profile."""
    assert len(deployments()) == 9
    for it in deployments():
        pod = it.at("spec.template.spec.securityContext")
        assert (pod["runAsNonRoot"], pod["runAsUser"]) == (True, 65532)
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        own = container(it)["securityContext"]
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert (own["allowPrivilegeEscalation"], own["privileged"]) == (False, False)
        assert own["readOnlyRootFilesystem"] is True


def test_no_pod_gets_a_token_of_the_api() -> None:
    """Routers read endpoints with a token of their own; nobody else talks to the API."""
    for it in deployments():
        assert it.at("spec.template.spec.automountServiceAccountToken") is False
        assert it.at("spec.template.spec.serviceAccountName") == it.at("metadata.name")


def test_every_pod_says_how_it_is_and_what_it_uses() -> None:
    """Readiness for all, liveness for all that listen; memory bounded, CPU asked for and never throttled."""
    for it in deployments():
        found = container(it)
        assert found["readinessProbe"]["periodSeconds"] == 1
        assert (
            ("livenessProbe" in found)
            == ("startupProbe" in found)
            == (it.at("metadata.name") != "bridge")
        )
        resources = found["resources"]
        assert resources["limits"] == {"memory": resources["requests"]["memory"]}
        assert resources["requests"]["cpu"].endswith("m")


def test_pods_of_a_workload_are_spread_over_nodes_and_zones() -> None:
    """And over fewer when there are no more."""
    for it in deployments():
        spread = it.at("spec.template.spec.topologySpreadConstraints")
        assert {rule["topologyKey"] for rule in spread} == {
            "kubernetes.io/hostname", "topology.kubernetes.io/zone",
        }  # fmt: skip
        assert {rule["whenUnsatisfiable"] for rule in spread} == {"ScheduleAnyway"}


def test_pods_of_a_lost_node_are_made_anew_soon() -> None:
    """After as long as configured, not after Kubernetes' five minutes."""
    for seconds in (5, 30):
        found = described(nodeLossS=str(seconds)).one("Deployment", "public-ads")
        times = [it.get("tolerationSeconds") for it in found.at("spec.template.spec.tolerations")]
        assert times.count(seconds) == 2


def test_only_sensitive_pods_tolerate_sensitive_nodes() -> None:
    """A public pod on such a node would be a neighbour of orders."""
    for it in deployments():
        tolerated = {rule["key"] for rule in it.at("spec.template.spec.tolerations")}
        sensitive = it.at("metadata.labels")["isthmus.dev/class"] == "sensitive"
        assert ("isthmus.dev/class" in tolerated) == sensitive


def test_no_pod_of_the_public_site_sees_a_database() -> None:
    """Neither a variable nor a volume of it names one."""
    for it in deployments():
        names = {variable["name"] for variable in container(it)["env"]}
        users = {"private-orders", "private-profiles", "private-bridge"}
        assert ({"LEDGER_DSN", "WAREHOUSE_DSN", "PGPASSWORD"} & names != set()) == (
            it.name in users
        )


@pytest.mark.parametrize("name", ["public-router-edge", "private-router-core"])
def test_a_router_is_probed_on_its_own_door(name: str) -> None:
    """Clients cannot reach the probe port's answers, and readiness is the router's own word."""
    found = container(described().one("Deployment", name))
    assert found["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "probe"}
    assert found["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "probe"}


def test_pods_are_processes_of_this_checkout_on_process_nodes() -> None:
    """With the agent's image, the checkout's interpreter and a node that runs processes."""
    for it in deployments():
        found = container(it)
        assert found["image"] == "isthmus.local/process"
        assert found["command"] == [str(ROOT / ".venv/bin/python")]
        assert found["workingDir"] == str(ROOT)
        assert it.at("spec.template.spec.nodeSelector")["isthmus.dev/runtime"] == "process"


def test_an_image_of_ones_own_runs_anywhere() -> None:
    """No host path, no process node."""
    found = described(image="r.example/isthmus@sha256:00").one("Deployment", "public-ads")
    assert found.at("spec.template.spec.nodeSelector") == {"isthmus.dev/pool": "ads"}
    assert container(found)["command"] == ["/opt/isthmus/bin/python"]
    assert container(found).get("workingDir") is None


def test_pods_are_bound_to_pools_only_where_nodes_have_them() -> None:
    """A cluster that was there already may know nothing of our labels."""
    settings = parse({"pooledSites": '["public"]'})
    for it in workloads(settings, POLICY):
        assert bool(binding(it, settings, on_host=False)) == (it.site == "public")


def test_a_selector_has_nothing_that_may_change() -> None:
    """A Deployment's selector can never be changed; class and site could."""
    assert set(selector("ads")) == {"app.kubernetes.io/name", "app.kubernetes.io/part-of"}
