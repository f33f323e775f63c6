"""What is missing or must not be told is named before anything is described."""

import pytest

from infra.config import ConfigError, Settings, parse
from infra.needs import brokers, check_needs, database_place, kafka_key
from infra.policy_file import read_policy
from infra.stacks import ROOT
from infra.workloads import workloads
from tests.infra.stage import fabric_values

POLICY, _ = read_policy(Settings(), ROOT)


def check(**changed: str) -> None:
    settings = parse(fabric_values(**changed))
    check_needs(settings, workloads(settings, POLICY), POLICY)


def test_a_whole_configuration_is_enough() -> None:
    """Nothing else is asked for."""
    check()


@pytest.mark.parametrize("key", ["kafkaPublic", "kafkaPrivate", "ledgerDsn"])
def test_what_a_workload_needs_is_asked_for_by_name(key: str) -> None:
    """With who needs it and the way out."""
    empty = "[]" if key.startswith("kafka") else ""
    with pytest.raises(ConfigError) as caught:
        check(**{key: empty})
    said = str(caught.value)
    assert said.startswith(f"isthmus:{key}: missing, and ")
    assert "fix: pulumi config set " in said
    assert ("--secret" in said) == key.endswith("Dsn")


def test_one_site_alone_needs_only_its_own() -> None:
    """The public site runs without anything of the private one."""
    check(sites='["public"]', kafkaPrivate="[]", ledgerDsn="", warehouseDsn="")


@pytest.mark.parametrize(
    "dsn", ["host=10.2.0.8 password=hunter2", "postgresql://app:hunter2@10.2.0.8/x"]
)
def test_a_password_in_a_dsn_is_refused_and_not_repeated(dsn: str) -> None:
    """It would show on a command line; there is a key for it."""
    with pytest.raises(ConfigError, match="carries a password") as caught:
        check(ledgerDsn=dsn)
    assert "databasePassword" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_dsn_that_is_none_is_refused() -> None:
    """With the form it should have."""
    with pytest.raises(ConfigError, match="isthmus:warehouseDsn: cannot be read"):
        check(warehouseDsn="somewhere")


@pytest.mark.parametrize(
    ("dsn", "host", "port"),
    [
        ("host=10.2.0.8 dbname=x", "10.2.0.8", 5432),
        ("host=db.example port=6432", "db.example", 6432),
        ("host=/run/postgresql", "", 5432),
        ("postgresql://app@10.2.0.8:5433/x", "10.2.0.8", 5433),
        ("dbname=x", "", 5432),
    ],
)
def test_where_a_dsn_leads(dsn: str, host: str, port: int) -> None:
    """A unix socket leads nowhere on the network."""
    place = database_place(parse({"ledgerDsn": dsn}), "ledgerDsn")
    assert place is not None
    assert (place.host, place.port) == (host, port)
    assert place.named == (host == "db.example")


@pytest.mark.parametrize(
    "broker", ["10.1.0.9", ":9092", "10.1.0.9:x", "10.1.0.9:0", "10.1.0.9:70000"]
)
def test_a_broker_without_an_address_is_refused(broker: str) -> None:
    """Before a client waits for it."""
    with pytest.raises(ConfigError, match="isthmus:kafkaPublic: an entry is no address"):
        check(kafkaPublic=f'["{broker}"]')


@pytest.mark.parametrize("key", ["clientNetworks", "publicApiNetworks", "privateApiNetworks"])
def test_a_network_is_a_network(key: str) -> None:
    """Host bits and words are refused."""
    for text in ("10.1.2.3/8", "everywhere"):
        with pytest.raises(ConfigError, match=f"isthmus:{key}: .* is no network"):
            check(**{key: f'["{text}"]'})


def test_each_site_has_brokers_of_its_own() -> None:
    """Read under its own key."""
    settings = parse(fabric_values())
    assert [brokers(settings, kafka_key(site))[0].host for site in settings.sites] == [
        "10.1.0.9",
        "10.2.0.9",
    ]
