"""Keys of the fabric that nobody configured come from the cluster stacks."""

import msgspec
import pytest

from infra.config import ConfigError, Settings
from infra.names import Site
from infra.offers import completed

OFFERED: dict[Site, dict[str, object]] = {
    "public": {"kafka": ["10.97.0.1:9092"], "networks": ["10.97.0.0/16"]},
    "private": {
        "kafka": ["10.98.0.1:9092"], "ledgerDsn": "host=10.98.0.1 dbname=ledger",
        "warehouseDsn": "host=10.98.0.1 dbname=warehouse", "databasePassword": "of-the-cluster",
    },
}  # fmt: skip
GIVEN = Settings(
    kafka_public=("a:1",), kafka_private=("b:1",), ledger_dsn="host=c", warehouse_dsn="host=d",
    database_password="mine",
)  # fmt: skip


def offered(site: Site) -> dict[str, object]:
    return OFFERED[site]


def refused(_site: Site) -> dict[str, object]:
    raise AssertionError("nothing had to be read")


def test_what_is_not_configured_is_taken_from_the_clusters() -> None:
    """Brokers of each site, both databases and their password."""
    found = completed(Settings(), offered)
    assert found.kafka_public == ("10.97.0.1:9092",)
    assert found.kafka_private == ("10.98.0.1:9092",)
    assert found.ledger_dsn == "host=10.98.0.1 dbname=ledger"
    assert found.warehouse_dsn == "host=10.98.0.1 dbname=warehouse"
    assert found.database_password == "of-the-cluster"


def test_what_is_configured_stays_and_no_stack_is_asked() -> None:
    """An operator's own broker is never replaced by one that happens to be there."""
    assert completed(GIVEN, refused) == GIVEN


def test_a_password_goes_with_its_own_database_only() -> None:
    """One configured database without a password does not get the other's."""
    some = msgspec.structs.replace(GIVEN, database_password="", warehouse_dsn="")
    assert completed(some, offered).database_password == ""


def test_a_site_that_is_left_out_is_not_asked() -> None:
    """Its cluster has never been up."""
    only = Settings(sites=("public",))
    found = completed(only, lambda site: OFFERED[site] if site == "public" else refused(site))
    assert (found.kafka_public, found.ledger_dsn) == (("10.97.0.1:9092",), "")


def test_a_cluster_without_stores_offers_nothing() -> None:
    """The keys stay empty, and the check of needs names them."""
    assert completed(Settings(), lambda _site: {"networks": []}) == Settings()


def test_outputs_of_another_shape_are_refused() -> None:
    """A state that somebody edited is named, not trusted."""
    with pytest.raises(ConfigError, match=r"outputs of the cluster stacks: .*fix: isthmus up"):
        completed(Settings(), lambda _site: {"kafka": "10.97.0.1:9092"})
