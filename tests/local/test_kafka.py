"""The broker's configuration, its template and its command line."""

import base64
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from local.kafka import (
    BrokerSpec,
    Listener,
    broker_argv,
    kafka_uuid,
    server_properties,
    write_broker,
)

SPEC = BrokerSpec(
    directory="/somewhere",
    listeners=(
        Listener(name="A", bind="127.0.3.1:1", advertised="127.0.3.2:1"),
        Listener(name="B", bind="127.0.3.1:2", advertised="127.0.3.3:2"),
    ),
    inter_broker="B",
    controller="127.0.3.1:3",
    voter="127.0.3.3:3",
)


def properties(spec: BrokerSpec) -> dict[str, str]:
    return dict(line.split("=", 1) for line in server_properties(spec).splitlines())


def test_listeners_are_bound_here_and_advertised_there() -> None:
    """Each listener is bound at one address and told to clients as another."""
    found = properties(SPEC)
    assert found["listeners"] == "A://127.0.3.1:1,B://127.0.3.1:2,CONTROLLER://127.0.3.1:3"
    assert (
        found["advertised.listeners"] == "A://127.0.3.2:1,B://127.0.3.3:2,CONTROLLER://127.0.3.3:3"
    )
    assert found["controller.quorum.voters"] == "1@127.0.3.3:3"


def test_anybody_may_connect_unless_peers_are_named() -> None:
    """Without peers there is no connection limit."""
    assert "max.connections.per.ip" not in properties(SPEC)


def test_a_formatted_directory_is_made_once_and_copied(tmp_path: Path) -> None:
    """With a template at hand no Java runs; an existing data directory is left alone."""
    jars = tmp_path / "jars"
    (jars / "formatted").mkdir(parents=True)
    (jars / "formatted" / "meta.properties").write_text("cluster.id=x")
    spec = BrokerSpec(
        directory=str(tmp_path / "broker"), listeners=SPEC.listeners, inter_broker="B",
        controller=SPEC.controller, voter=SPEC.voter,
    )  # fmt: skip
    write_broker(jars, spec)
    meta = tmp_path / "broker" / "data" / "meta.properties"
    assert meta.read_text() == "cluster.id=x"
    meta.write_text("mine")
    write_broker(jars, spec)
    assert meta.read_text() == "mine"


def test_the_command_line_names_jars_and_configuration_by_full_path(tmp_path: Path) -> None:
    """It can be started again from any directory."""
    argv = broker_argv(tmp_path, SPEC)
    assert argv[-2:] == ("kafka.Kafka", "/somewhere/server.properties")
    assert f"{tmp_path}/*" in argv


@given(st.binary(min_size=16, max_size=16))
def test_a_cluster_id_is_one_that_kafka_takes(data: bytes) -> None:
    """22 characters of URL-safe base64, none of them a leading dash (it would read as an option)."""
    text = kafka_uuid(data)
    assert len(base64.urlsafe_b64decode(text + "==")) == 16
    assert not text.startswith("-")
