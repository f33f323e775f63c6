"""The ends against a real broker: fencing, atomic commits, refusals, and reads that end at the watermark."""

import threading

import pytest
from confluent_kafka import Producer

from sync.batch import Disposition
from sync.faults import ReplicationError
from sync.kafka import Source, TransactionalTarget, read_committed
from tests.sync.lab import wait_for

pytestmark = pytest.mark.engines


@pytest.fixture
def target(lab):
    lab.create()
    target = TransactionalTarget(
        lab.brokers, transactional_id=f"{lab.name}/t/0", size_max=10**6, timeout_ms=10_000
    )
    target.open()
    yield target
    target.close()


def test_records_and_progress_commit_as_one(lab, target) -> None:
    """Until the commit nothing is to be read; then both are."""
    lab.create(topic=lab.target)
    target.begin()(lab.topic, b"record", b"k", 0)
    assert lab.read(lab.topic) == []
    target.commit(lab.target, {1: (b"key", b"progress")})
    assert [m.value() for m in lab.read(lab.topic)] == [b"record"]
    assert [(m.partition(), m.key(), m.value()) for m in lab.read(lab.target)] == [
        (1, b"key", b"progress")
    ]


def test_a_second_holder_fences_the_first(lab, target) -> None:
    """The id's new holder ends the old one's transaction; the old one cannot commit."""
    target.begin()(lab.topic, b"zombie", b"k", 0)
    heir = TransactionalTarget(
        lab.brokers, transactional_id=f"{lab.name}/t/0", size_max=10**6, timeout_ms=10_000
    )
    heir.open()
    with pytest.raises(ReplicationError) as caught:
        target.commit(lab.topic, {})
    assert caught.value.disposition is Disposition.FENCED
    heir.close()
    assert lab.read(lab.topic) == []


def test_a_record_the_topic_refuses_is_a_refusal(lab, target) -> None:
    """A keyless record for a compacted topic fails the commit as refused, not as indefinite."""
    lab.create(topic=lab.target, config={"cleanup.policy": "compact"})
    target.begin()(lab.target, b"no key", None, 0)
    with pytest.raises(ReplicationError) as caught:
        target.commit(lab.topic, {})
    assert caught.value.disposition is Disposition.REFUSED


def test_a_closed_end_says_so(lab) -> None:
    """Using an end that is not open is indefinite: the loop opens it."""
    source = Source(lab.brokers, client_id="c", topic=lab.topic)
    with pytest.raises(ReplicationError, match="not open"):
        source.fetch(1)
    assert source.lag_records({0: 1}) == 0
    target = TransactionalTarget(
        lab.brokers, transactional_id="x", size_max=1000, timeout_ms=10_000
    )
    with pytest.raises(ReplicationError, match="not open"):
        target.begin()


def test_a_source_reads_from_its_starts_and_knows_its_lag(lab) -> None:
    """Fixed partitions from given offsets, in order, up to the batch's limit."""
    lab.create()
    lab.send([b"%d" % n for n in range(10)])
    source = Source(lab.brokers, client_id="c", topic=lab.topic)
    source.open({1: 2})
    got = []
    wait_for(lambda: got.extend(source.fetch(2)) or len(got) == 3, "three records")
    assert [m.value() for m in got] == [b"5", b"7", b"9"]
    assert source.lag_records({1: 2}) == 3
    source.close()


def test_a_start_beyond_the_end_is_an_error(lab) -> None:
    """An offset the topic does not have is never reset to one it has."""
    lab.create()
    source = Source(lab.brokers, client_id="c", topic=lab.topic)
    source.open({0: 99})
    with pytest.raises(ReplicationError) as caught:
        wait_for(lambda: source.fetch(1) != [], "an answer")
    assert caught.value.disposition is Disposition.STOP
    source.close()


def test_reading_ends_at_the_watermark(lab, target) -> None:
    """Committed records up to the end there was, aborted ones left out, markers skipped."""
    stop = threading.Event()
    target.begin()(lab.topic, b"kept", b"k", 0)
    target.commit(lab.topic, {0: (b"k", b"p")})
    other = Producer({"bootstrap.servers": lab.bootstrap, "transactional.id": f"{lab.name}/o"})
    other.init_transactions(10)
    other.begin_transaction()
    other.produce(lab.topic, b"aborted", b"k", 0)
    other.flush(10)
    other.abort_transaction(10)
    found = list(read_committed(lab.cluster, lab.topic, partitions=(0, 1), stop=stop))
    assert found == [(0, b"k", b"kept"), (0, b"k", b"p")]


def test_reading_gives_up_when_asked_to_stop(lab) -> None:
    """A start that waits for another's transaction ends with the process."""
    lab.create()
    stop = threading.Event()
    other = Producer({"bootstrap.servers": lab.bootstrap, "transactional.id": f"{lab.name}/o"})
    other.init_transactions(10)
    other.begin_transaction()
    other.produce(lab.topic, b"open", b"k", 0)
    other.flush(10)
    stop.set()
    with pytest.raises(ReplicationError, match="asked to stop"):
        list(read_committed(lab.cluster, lab.topic, partitions=(0,), stop=stop))
    other.abort_transaction(10)
