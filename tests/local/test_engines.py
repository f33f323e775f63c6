"""The session's engines: real, reachable, and able to do what the product asks of them."""

import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.engines import KafkaBroker

pytestmark = pytest.mark.engines


def test_broker_carries_a_transaction(kafka_broker: KafkaBroker) -> None:
    """A committed transaction is read back under read_committed."""
    topic = "engines-transaction"
    admin = AdminClient({"bootstrap.servers": kafka_broker.bootstrap})
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])[topic].result(30)
    producer = Producer(
        {"bootstrap.servers": kafka_broker.bootstrap, "transactional.id": "engines-test"}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"value", b"key", partition=0)
    producer.commit_transaction(30)
    consumer = Consumer(
        {
            "bootstrap.servers": kafka_broker.bootstrap,
            "group.id": "engines-test",
            "isolation.level": "read_committed",
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    message = consumer.poll(30)
    consumer.close()
    assert message is not None
    assert (message.key(), message.value()) == (b"key", b"value")


def test_postgres_takes_connections_on_its_socket_only(postgres_dsn: str) -> None:
    """The server answers on the unix socket, wants the password and listens on no address."""
    with psycopg.connect(postgres_dsn) as connection:
        row = connection.execute("SHOW listen_addresses").fetchone()
    assert row == ("",)
    assert "password" not in postgres_dsn
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres_dsn, passfile="/dev/null", connect_timeout=2).close()
