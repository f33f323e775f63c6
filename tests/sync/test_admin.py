"""The administrator's view of a real cluster."""

import pytest

from sync.admin import Cluster
from sync.batch import Disposition
from sync.clients import Brokers
from sync.faults import ReplicationError

pytestmark = pytest.mark.engines


def test_a_topic_is_known_by_id(lab) -> None:
    """The same name created again has another id; a name without a topic is None."""
    assert lab.cluster.describe(lab.topic) is None
    lab.create(partitions=3)
    first = lab.cluster.describe(lab.topic)
    assert first.partitions == 3
    lab.delete(lab.topic)
    lab.create(partitions=3)
    assert lab.cluster.describe(lab.topic).id != first.id


def test_watermarks_include_open_transactions(lab) -> None:
    """The high watermark is the log's end, not the last stable offset."""
    lab.create()
    lab.send([b"a", b"b", b"c"])
    assert lab.cluster.watermarks(lab.topic, [0, 1]) == {0: (0, 2), 1: (0, 1)}
    session = lab.session(lab.establish())
    session.open()
    while not session.fetch(10):
        pass
    session.copy(None)
    session._target._producer.flush(10)
    marks = lab.cluster.watermarks(lab.target, [0, 1])
    assert sum(high for _, high in marks.values()) > 0


def test_ensuring_creates_grows_and_leaves_alone(lab) -> None:
    """A topic is made with its settings, given partitions it lacks, and never shrunk."""
    made = lab.cluster.ensure(lab.topic, partitions=1, config={"max.message.bytes": "70001"})
    assert made.partitions == 1
    assert lab.cluster.batch_bytes_max(lab.topic) == 70_001
    assert lab.cluster.ensure(lab.topic, partitions=3, config={}).partitions == 3
    same = lab.cluster.ensure(lab.topic, partitions=2, config={})
    assert (same.partitions, same.id) == (3, made.id)


def test_a_broker_that_is_gone_is_indefinite_within_seconds() -> None:
    """Nothing listens: the call ends in time, as something to try again."""
    cluster = Cluster(Brokers(name="gone", bootstrap="127.0.3.1:9"), client_id="lab")
    with pytest.raises(ReplicationError, match="gone") as caught:
        cluster.describe("clicks")
    assert caught.value.disposition is Disposition.RENEW
