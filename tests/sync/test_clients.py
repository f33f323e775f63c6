"""Client configurations that correctness hangs on, and errors as the loop wants them."""

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from sync.batch import Disposition
from sync.clients import (
    Brokers,
    consumer_config,
    producer_config,
    raising,
    transactional_config,
)
from sync.faults import ReplicationError

BROKERS = Brokers(name="here", bootstrap="127.0.3.1:9")


def test_a_consumer_never_resets_and_never_commits() -> None:
    """Offsets are the bridge's alone; a gap is an error; open transactions stay hidden."""
    config = consumer_config(BROKERS, client_id="c")
    assert config["auto.offset.reset"] == "error"
    assert config["enable.auto.commit"] is False
    assert config["isolation.level"] == "read_committed"
    assert config["check.crcs"] is True


def test_a_cut_link_is_given_up_within_two_seconds() -> None:
    """The bounds that catch-up depends on."""
    config = consumer_config(BROKERS, client_id="c")
    assert config["socket.timeout.ms"] <= 2000
    assert config["reconnect.backoff.max.ms"] <= 250
    assert config["fetch.wait.max.ms"] + 1000 <= config["socket.timeout.ms"]


def test_batches_never_exceed_the_target_topic_s_limit() -> None:
    """The library would not split a batch the topic refuses."""
    assert producer_config(BROKERS, client_id="p", size_max=70_000)["batch.size"] == 70_000
    assert producer_config(BROKERS, client_id="p", size_max=10**9)["batch.size"] == 1_000_000


def test_the_library_accepts_every_configuration() -> None:
    """No setting is misspelt, of the wrong type or out of range."""
    Consumer(consumer_config(BROKERS, client_id="c")).close()
    Producer(producer_config(BROKERS, client_id="p", size_max=10**6))
    Producer(transactional_config(BROKERS, transactional_id="t", size_max=10**6, timeout_ms=10_000))


def test_credentials_come_from_a_client_file(tmp_path) -> None:
    """Properties of the file are passed on; comments and blanks are not."""
    file = tmp_path / "client.properties"
    file.write_text("# who\n\nsecurity.protocol = SSL\nssl.ca.location=/ca.pem\n")
    config = consumer_config(
        Brokers(name="here", bootstrap="b:1", client=f"file:{file}"), client_id="c"
    )
    assert config["security.protocol"] == "SSL"
    assert config["ssl.ca.location"] == "/ca.pem"


def test_exceptions_become_the_loop_s_errors() -> None:
    """Kafka's error keeps its name; a wait that ran out is indefinite."""
    with pytest.raises(ReplicationError, match="commit: _FENCED") as fenced, raising("commit"):
        raise KafkaException(KafkaError(KafkaError._FENCED))
    assert fenced.value.disposition is Disposition.FENCED
    with pytest.raises(ReplicationError, match="timed out") as late, raising("describe"):
        raise TimeoutError
    assert late.value.disposition is Disposition.RENEW
