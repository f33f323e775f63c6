"""Twin of chaos/offsets.py, against a real broker."""

import uuid

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from chaos.decide import Ends, open_transactions
from chaos.offsets import OffsetsError, Watermarks
from tests.chaos.stage import eventually
from tests.engines import KafkaBroker

pytestmark = pytest.mark.engines


def test_an_open_transaction_parts_the_two_ends(kafka_broker: KafkaBroker) -> None:
    """Nothing, open, committed: the stable end waits exactly while the transaction is open."""
    topic = f"ends-{uuid.uuid4()}"
    admin = AdminClient({"bootstrap.servers": kafka_broker.bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(10)
    watermarks = Watermarks(kafka_broker.bootstrap)
    watermarks.refresh()
    before = watermarks.read()
    assert before[topic, 0] == Ends(0, 0)
    assert not [name for name, _ in before if name.startswith("__")]
    producer = Producer({"bootstrap.servers": kafka_broker.bootstrap, "transactional.id": topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"x")
    producer.flush(10)
    during = watermarks.read()
    assert during[topic, 0] == Ends(0, 1)
    assert (topic, 0) in open_transactions(before, during)
    producer.commit_transaction(30)
    # The commit is answered before its marker is written: the ends meet a moment later.
    eventually(lambda: watermarks.read()[topic, 0] == Ends(2, 2))
    assert (topic, 0) not in open_transactions(before, watermarks.read())


def test_a_broker_without_topics_has_no_ends_and_a_silent_one_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before `refresh` there is nothing to read; nobody at the address is named."""
    monkeypatch.setattr("chaos.offsets.REQUEST_S", 0.2)
    watermarks = Watermarks("127.0.6.1:9")
    assert watermarks.read() == {}
    with pytest.raises(OffsetsError, match="expected a broker"):
        watermarks.refresh()
