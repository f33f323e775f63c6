"""The fabric: THREAT_MODEL's lines as assertions over everything it describes."""

import re

import msgspec
import pulumi
import pytest

from infra.config import Settings
from infra.fabric import database_stamp
from infra.stacks import build
from tests.infra.fabrics import described
from tests.infra.judged import violations
from tests.infra.stage import describe, fabric_values

SITES = ("public", "private")
SECRETS = ("admin-token", "a-token", "hunter2", "10.2.0.8")


def test_every_object_goes_through_an_explicit_provider_of_its_site() -> None:
    """Never the machine's own kubeconfig; a name that says private never lands in the public cluster."""
    for it in described().kubernetes():
        site = next(site for site in SITES if it.provider.endswith(f"::{site}::{site}-id"))
        reads = re.search(r"-reads-(public|private)", it.name)
        assert site == (reads[1] if reads else it.name.partition("-")[0])


def test_a_provider_outlives_credentials_and_outages() -> None:
    """Only another cluster replaces it; an unreachable one is skipped, never forgotten."""
    for it in described().all("kubernetes"):
        assert it.at("clusterIdentifier") == f"dev-{it.name}"
        assert it.at("skipUpdateUnreachable") == "true"
        assert it.at("deleteUnreachable") == "false"
        assert it.is_secret("kubeconfig")


def test_what_goes_into_the_public_cluster_is_all_public() -> None:
    """No object there is of class sensitive, or of none where a class is asked for."""
    for it in described().kubernetes():
        if it.provider.endswith("public-id") and it.type.rpartition(":")[2] in {
            "Deployment", "Secret", "ConfigMap", "Service",
        }:  # fmt: skip
            assert it.at("metadata.labels")["isthmus.dev/class"] == "public"


def test_no_secret_is_plain_anywhere() -> None:
    """Passwords, tokens and DSNs are secret wherever they stand, and on no command line or in any ConfigMap."""
    stack = describe(build, values=fabric_values(databasePassword="hunter2"))
    seen = 0
    for it in stack.made:
        for path, text in _texts(it.inputs, ""):
            if any(secret in text for secret in SECRETS):
                assert it.is_secret(path) or it.type.endswith(":NetworkPolicy"), (it.name, path)
                seen += 1
    assert seen > 5


def _texts(value: object, path: str):
    match value:
        case str():
            yield path, value
        case dict():
            for key, it in value.items():
                yield from _texts(it, f"{path}.{key}".lstrip("."))
        case list():
            for n, it in enumerate(value):
                yield from _texts(it, f"{path}.{n}")
        case _:
            pass


def test_a_deployment_can_be_read_in_a_preview() -> None:
    """Nothing secret is in it, so the engine shows what changes."""
    for it in described().all("Deployment"):
        assert it.secrets == ()


def test_the_public_site_has_no_database_secret() -> None:
    """One Secret holds the DSNs, in private, labelled sensitive."""
    found = described().one("Secret", "private-database")
    assert found.at("metadata.labels")["isthmus.dev/class"] == "sensitive"
    assert set(found.at("stringData")) == {"LEDGER_DSN", "WAREHOUSE_DSN"}


def names(**changed: str) -> set[str]:
    stack = described(**changed)
    return {
        stack.one("ConfigMap", f"{name}-config").at("metadata.name")
        for name in ("public-router-edge", "private-router-core", "private-bridge")
    }


def test_another_topology_is_another_config_map_and_rolls_the_pods() -> None:
    """Its name has the content's checksum, and the Deployment mounts it by that name."""
    assert names().isdisjoint(names(kafkaPublic='["10.1.0.10:9092"]')) is False
    assert names() != names(reservePercent="10")
    stack = described()
    for name in ("public-router-edge", "private-router-core", "private-bridge"):
        made = stack.one("ConfigMap", f"{name}-config")
        assert made.at("immutable") is True
        volumes = stack.one("Deployment", name).at("spec.template.spec.volumes")
        mounted = next(it["configMap"]["name"] for it in volumes if it["name"] == "config")
        assert mounted == made.at("metadata.name")


def test_a_router_carries_the_policy_as_it_is_written() -> None:
    """Byte for byte: its digest is the policy's."""
    policy = (build.__globals__["ROOT"] / "local/policy.yaml").read_text()
    for name in ("public-router-edge", "private-router-core", "private-bridge"):
        assert described().one("ConfigMap", f"{name}-config").at("data")["policy.yaml"] == policy


def test_the_edges_files_name_no_private_address() -> None:
    """What its pod can read, an attacker in it can read."""
    data = described().one("ConfigMap", "public-router-edge-config").at("data")
    assert "10.2." not in data["topology.yaml"] + data["settings.json"]


def test_a_new_password_makes_new_pods() -> None:
    """The stamp changes with any credential, and does not give one away quickly."""
    one = database_stamp(Settings(database_password="a"))
    assert one != database_stamp(Settings(database_password="b"))
    assert re.fullmatch("[0-9a-f]{10}", one)
    stamps = {
        described(databasePassword=password)
        .one("Deployment", "private-orders")
        .at("spec.template.metadata.annotations")["isthmus.dev/stamp"]
        for password in ("a", "b")
    }
    assert len(stamps) == 2


def test_one_site_alone_can_be_installed() -> None:
    """With the other's cluster never up, the router there has only its own site."""
    stack = describe(
        build,
        values=fabric_values(sites='["public"]', kafkaPrivate="[]", ledgerDsn="", warehouseDsn=""),
    )
    assert {it.name for it in stack.all("Deployment")} == {
        "public-router-edge",
        "public-ads",
        "public-clicks",
    }
    topology = stack.one("ConfigMap", "public-router-edge-config").at("data")["topology.yaml"]
    assert set(msgspec.json.decode(topology)["sites"]) == {"public"}


def test_a_topology_the_policy_refuses_ends_the_run_without_a_traceback() -> None:
    """A broker outside its site's networks is named."""
    with pytest.raises(pulumi.RunError, match="outside the site's networks"):
        describe(build, values=fabric_values(kafkaPublic='["10.2.0.9:9092"]'))


def test_nothing_is_described_when_something_is_missing() -> None:
    """The first error comes before the first resource of the fabric."""
    from tests.infra.stage import Recorder  # noqa: PLC0415 - only here

    recorder = Recorder()
    with pytest.raises(pulumi.RunError, match="isthmus:ledgerDsn: missing"):
        describe(build, values=fabric_values(ledgerDsn=""), recorder=recorder)
    assert not [it for it in recorder.made if it.type.startswith(("kubernetes:", "isthmus:"))]


@pytest.mark.parametrize(
    ("stack", "changed"),
    [
        ("dev-fabric", {}),
        ("dev-fabric", {"edgeExposure": "LoadBalancer", "monitoring": "operator", "databasePassword": "hunter2"}),
        ("prod-fabric", {"image": f"registry/isthmus@sha256:{64 * '0'}"}),
    ],
)  # fmt: skip
def test_the_packs_rules_hold_for_all_of_it(stack: str, changed: dict[str, str]) -> None:
    """What this program describes passes what it demands of others, in production too."""
    assert [str(it) for it in violations(described(**changed), stack)] == []


def test_the_pack_would_see_a_tag_in_production() -> None:
    """Its silence above means something."""
    found = violations(described(image="registry/isthmus:latest"), "prod-fabric")
    assert {it.urn.rpartition("::")[2] for it in found} == {
        it.name for it in described().all("Deployment")
    }
