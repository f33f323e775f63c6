"""One slice against a real broker: fidelity, fences, and the progress that another's transaction hides."""

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

import sync.mirror
from sync.batch import Disposition
from sync.faults import ReplicationError
from sync.plan import dead_letter_topic, progress_topic
from sync.verify import plan_from, verify
from tests.sync.lab import carry, wait_for

pytestmark = pytest.mark.engines


def faults(lab):
    topic = verify(plan_from(lab.bridge_plan())).topics[0]
    return topic.lost, topic.duplicate, topic.reordered, topic.altered


def test_every_part_of_a_record_arrives(lab) -> None:
    """Key, value, headers, timestamp and partition are the source's, tombstones and empty values told apart."""
    lab.create(partitions=3)
    sent = [
        (b"k", b"v", [("h", b"1"), ("h", None), ("g", b"")], 0),
        (None, b"", [], 1),
        (b"k", None, [], 2),
        (b"", b"\x00\xff" * 600, [("x", b"\x00")], 1),
    ]
    for number, (key, value, headers, partition) in enumerate(sent):
        lab.producer.produce(
            lab.topic, value, key, partition, timestamp=lab.base_ms + number, headers=headers
        )
    lab.producer.flush()
    session = lab.session(lab.establish())
    session.open()
    carry(session, 4)

    def parts(topic):
        return [
            (m.partition(), m.key(), m.value(), m.headers() or [], m.timestamp())
            for m in lab.read(topic, partitions=3)
        ]

    assert len(parts(lab.topic)) == 4
    assert parts(lab.target) == parts(lab.topic)


def test_a_restart_copies_nothing_twice(lab) -> None:
    """A second session starts behind the last committed batch, whatever the first had begun."""
    lab.create()
    lab.send([b"a", b"b", b"c", b"d"])
    plan = lab.establish()
    first = lab.session(plan)
    first.open()
    carry(first, 4)
    lab.send([b"e", b"f"])
    wait_for(lambda: first.fetch(10) > 0, "a batch")
    first.copy(None)  # written, never committed
    second = lab.session(plan)
    second.open()
    carry(second, 2)
    assert faults(lab) == (0, 0, 0, 0)
    with pytest.raises(ReplicationError) as caught:
        first.commit()
    assert caught.value.disposition is Disposition.FENCED
    assert faults(lab) == (0, 0, 0, 0)


def naive_read(cluster, topic, *, partitions, stop):
    """How one would read progress without knowing better: read_committed up to end-of-file."""
    reader = Consumer({
        "bootstrap.servers": cluster.brokers.bootstrap, "group.id": "naive", "enable.partition.eof": True,
        "isolation.level": "read_committed", "auto.offset.reset": "earliest",
    })  # fmt: skip
    reader.assign([TopicPartition(topic, number, 0) for number in partitions])
    ended = set()
    try:
        while len(ended) < len(partitions):
            for message in reader.consume(100, 0.05):
                if message.error() is not None:
                    ended.add(message.partition())
                else:
                    yield message.partition(), message.key(), message.value()
    finally:
        reader.close()


@pytest.mark.parametrize(("rule", "duplicates"), [("ours", 0), ("naive", 4)])
def test_an_open_transaction_of_another_writer_hides_no_progress(
    lab, monkeypatch, rule, duplicates
) -> None:
    """Reading progress to end-of-file copies again what is behind another's transaction; our rule waits."""
    lab.create()
    lab.send([b"a", b"b", b"c", b"d"])
    plan = lab.establish()
    other = Producer({"bootstrap.servers": lab.bootstrap, "transactional.id": f"{lab.name}/other"})
    other.init_transactions(10)
    other.begin_transaction()
    for partition in (0, 1):
        other.produce(progress_topic(lab.name, lab.topic), b"{}", b"other", partition)
    assert other.flush(10) == 0
    first = lab.session(plan)
    monkeypatch.setattr(sync.mirror.MirrorSession, "_newest_progress", lambda _self: {})
    first.open()
    monkeypatch.undo()
    carry(first, 4)
    first.close()

    second = lab.session(plan)
    if rule == "naive":
        read = sync.mirror.read_committed
        monkeypatch.setattr(
            sync.mirror, "read_committed",
            naive_read,
        )  # fmt: skip
        second.open()
        monkeypatch.setattr(sync.mirror, "read_committed", read)
        carry(second, 4)
        other.abort_transaction(10)
    else:
        seen = watch_positions(monkeypatch, lambda: other.abort_transaction(10))
        second.open()
        assert seen["waited"]
        assert second.fetch(10) == 0
    assert faults(lab) == (0, duplicates, 0, 0)


def watch_positions(monkeypatch, release):
    """Let the other writer's transaction end only once the reader has met its end-of-file."""
    seen = {"waited": False}
    original = sync.kafka.Catchup.on_position

    def on_position(self, partition, position):
        original(self, partition, position)
        if not seen["waited"]:
            seen["waited"] = not self.done
            release()

    monkeypatch.setattr(sync.kafka.Catchup, "on_position", on_position)
    return seen


def test_an_oversize_record_becomes_a_dead_letter(lab) -> None:
    """What the target's limit refuses goes to the dead letters whole, in the same transaction."""
    lab.create()
    lab.create(topic=lab.target, config={"max.message.bytes": "70000"})
    lab.send([b"a", b"x" * 90_000, b"c", b"d"])
    session = lab.session(lab.establish())
    session.open()
    carry(session, 4)
    (letter,) = lab.read(dead_letter_topic(lab.name), partitions=1)
    told = dict(letter.headers())
    assert (letter.value(), letter.key()) == (b"x" * 90_000, b"key")
    assert told["isthmus-dlq-reason"] == b"oversize"
    assert (told["isthmus-dlq-partition"], told["isthmus-dlq-offset"]) == (b"1", b"0")
    assert session.dead_letters == 1
    assert faults(lab) == (0, 0, 0, 0)


def test_a_gap_in_the_source_stops_the_start(lab) -> None:
    """Records deleted before they were copied are a stop, not a skip."""
    lab.create(partitions=1)
    lab.send([b"a", b"b", b"c", b"d"], partitions=1)
    plan = lab.establish()
    session = lab.session(plan)
    session.open()
    carry(session, 4)
    lab.send([b"e", b"f", b"g"], partitions=1)
    lab.admin.delete_records([TopicPartition(lab.topic, 0, 6)])[
        TopicPartition(lab.topic, 0, 6)
    ].result()
    again = lab.session(plan)
    with pytest.raises(ReplicationError, match="retention-gap") as caught:
        again.open()
    assert caught.value.disposition is Disposition.STOP


def test_a_changed_slice_count_stops_a_late_worker(lab) -> None:
    """A worker that opens under the old count reads the record after its fence and goes no further."""
    lab.create()
    plan = lab.establish(slices_max=2)
    late = lab.session(plan, 1)
    lab.registry.resize(lab.topic, 1)
    with pytest.raises(ReplicationError, match="resized") as caught:
        late.open()
    assert caught.value.disposition is Disposition.STOP
