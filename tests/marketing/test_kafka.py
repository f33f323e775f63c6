"""Twin of marketing/kafka.py, against a real broker."""

import asyncio
import time
import uuid

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient, NewTopic

from marketing import kafka
from marketing.kafka import DeliveryError, open_topic
from tests.engines import KafkaBroker

pytestmark = pytest.mark.engines
RECORDS = 200


def new_topic(broker: KafkaBroker, **config: str) -> str:
    name = f"clicks-{uuid.uuid4()}"
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic(name, 4, 1, config=config)])[name].result(10)
    return name


def read_all(broker: KafkaBroker, topic: str, *, records: int) -> list[tuple[str, bytes, int]]:
    consumer = Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": topic, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    found: list[tuple[str, bytes, int]] = []
    deadline = time.monotonic() + 30
    while len(found) < records and time.monotonic() < deadline:
        found += [
            (message.key().decode(), message.value(), message.partition())
            for message in consumer.consume(500, 0.5)
            if message.error() is None
        ]
    consumer.close()
    return found


async def test_what_was_acknowledged_is_in_the_topic_in_order_per_key(
    kafka_broker: KafkaBroker,
) -> None:
    """Concurrent sends all arrive once, and one key stays on one partition."""
    topic = new_topic(kafka_broker)
    async with (
        open_topic(kafka_broker.bootstrap, topic) as clicks,
        asyncio.timeout(20),
        asyncio.TaskGroup() as group,
    ):
        for n in range(RECORDS):
            group.create_task(clicks.send(f"ad-{n % 8}", b"%d" % n))
    found = await asyncio.to_thread(read_all, kafka_broker, topic, records=RECORDS)
    assert sorted(int(value) for _, value, _ in found) == list(range(RECORDS))
    for key in {key for key, _, _ in found}:
        assert len({partition for at, _, partition in found if at == key}) == 1
        values = [int(value) for at, value, _ in found if at == key]
        assert values == sorted(values)


async def test_a_record_the_broker_refuses_is_a_delivery_error(kafka_broker: KafkaBroker) -> None:
    """A negative acknowledgement reaches the one who sent, and the next record still goes."""
    topic = new_topic(kafka_broker, **{"max.message.bytes": "2000"})
    async with open_topic(kafka_broker.bootstrap, topic) as clicks:
        with pytest.raises(DeliveryError):
            await asyncio.wait_for(clicks.send("ad", b"x" * 5000), 10)
        await asyncio.wait_for(clicks.send("ad", b"x"), 10)


async def test_a_missing_topic_stops_the_start(kafka_broker: KafkaBroker) -> None:
    """The error names the topic that was expected."""
    name = f"absent-{uuid.uuid4()}"
    with pytest.raises(ConnectionError, match=name):
        async with open_topic(kafka_broker.bootstrap, name):
            pass


async def test_a_silent_broker_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody at the address: the error says which broker was expected, within the bound."""
    monkeypatch.setattr(kafka, "START_S_MAX", 0.3)
    with pytest.raises(ConnectionError, match="expected a broker"):
        async with open_topic("127.0.4.1:9", "clicks"):
            pass
