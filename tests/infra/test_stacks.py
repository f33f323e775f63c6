"""A stack's name says what it is."""

import pulumi
import pytest

from infra.config import ConfigError
from infra.stacks import build, parts_of
from tests.infra.stage import Recorder, describe, existing_values, fabric_values


@pytest.mark.parametrize(
    ("stack", "parts"),
    [
        ("dev-public", ("dev", "public")), ("shop-eu-1-private", ("shop-eu-1", "private")),
        ("x-fabric", ("x", "fabric")),
    ],
)  # fmt: skip
def test_a_name_has_an_environment_and_a_part(stack: str, parts: tuple[str, str]) -> None:
    """The part is the last word."""
    assert parts_of(stack) == parts


@pytest.mark.parametrize(
    "stack", ["dev", "public", "-public", "Dev-public", "dev-edge", "dev_public"]
)
def test_another_name_is_refused_with_the_form(stack: str) -> None:
    """Before anything is described."""
    with pytest.raises(ConfigError, match=f"stack {stack}: no such part; expected ENV-public"):
        parts_of(stack)


def test_the_fabric_reads_the_clusters_of_its_environment() -> None:
    """By the organization's name; a file backend's is organization."""
    stack = describe(build, stack="shop-fabric", values=fabric_values(organization="acme"))
    assert {it.name for it in stack.all("StackReference")} == {
        "acme/isthmus/shop-public",
        "acme/isthmus/shop-private",
    }


def test_a_local_fabric_needs_no_key() -> None:
    """Brokers and databases are those that the cluster stacks offer."""

    class WithStores(Recorder):
        def stack_outputs(self, site: str) -> dict[str, object]:
            offered = {
                "kafka": [f"10.{1 if site == 'public' else 2}.0.1:9092"],
                "ledgerDsn": "host=10.2.0.1 dbname=ledger", "databasePassword": "of-the-cluster",
                "warehouseDsn": "host=10.2.0.1 dbname=warehouse",
            }  # fmt: skip
            return {**super().stack_outputs(site), **offered}

    stack = describe(build, values={}, recorder=WithStores())
    secret = stack.one("Secret", "private-database")
    assert secret.at("stringData.PGPASSWORD") == "of-the-cluster"
    assert secret.is_secret("stringData")
    bridge = stack.one("ConfigMap", "private-bridge-config").at("data")
    assert "10.1.0.1:9092" in bridge["topology.yaml"]


def test_a_bad_key_ends_the_run_as_a_users_error() -> None:
    """No traceback, and the key is named."""
    with pytest.raises(pulumi.RunError, match="isthmus:adNodes: "):
        describe(build, stack="dev-public", values=existing_values(adNodes="many"))


def test_a_credential_in_plain_ends_the_run() -> None:
    """Before it can come into the state."""
    with pytest.raises(pulumi.RunError, match="isthmus:ledgerDsn: stands in"):
        describe(build, values=fabric_values(), plain=["ledgerDsn"])


def test_keys_of_others_are_none_of_our_business() -> None:
    """A stack may configure providers too."""
    from pulumi.runtime import config as engine_config  # noqa: PLC0415 - only here

    def program() -> None:
        engine_config.set_config("aws:region", "x")
        build()

    assert describe(program, stack="dev-public", values=existing_values()).all("Namespace")
