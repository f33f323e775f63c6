"""The verifier's own reading, against a real broker and PostgreSQL."""

import pytest

from sync.reader import Cluster, VerifyError, read_dead_letters, read_loads, read_topic

pytestmark = pytest.mark.engines


@pytest.fixture
def cluster(lab) -> Cluster:
    return Cluster(lab.bootstrap, {})


def digests(cluster, topic, **since):
    found = read_topic(cluster, topic, **({"since_ms": 0} | since))
    return {partition: [seen.digest for seen in sees] for partition, sees in found.items()}


def test_equal_records_have_equal_digests_and_any_change_shows(lab, cluster) -> None:
    """Key, value, headers, timestamp, and absent against empty all count; offsets do not."""
    lab.create(partitions=1)
    same = {"value": b"v", "key": b"k", "headers": [("h", b"1")], "timestamp": lab.base_ms}
    changes = (
        {}, {}, {"value": b"w"}, {"value": None}, {"value": b""}, {"key": None}, {"key": b""},
        {"timestamp": lab.base_ms + 1}, {"headers": []}, {"headers": [("h", None)]}, {"headers": [("h", b"")]},
        {"headers": [("h", b"1"), ("h", b"1")]},
    )  # fmt: skip
    for change in changes:
        lab.producer.produce(lab.topic, partition=0, **(same | change))
    lab.producer.flush()
    found = digests(cluster, lab.topic)[0]
    assert found[0] == found[1]
    assert len(set(found)) == len(changes) - 1


def test_older_records_are_left_out(lab, cluster) -> None:
    """Only records with the asked timestamp or a later one are compared."""
    lab.create()
    lab.send([b"%d" % n for n in range(10)])
    kept = read_topic(cluster, lab.topic, since_ms=lab.base_ms + 6)
    assert {p: [s.offset for s in sees] for p, sees in kept.items()} == {0: [3, 4], 1: [3, 4]}
    assert read_topic(cluster, lab.topic, since_ms=lab.base_ms + 10_000_000) == {}


def test_what_cannot_be_read_is_said(lab, cluster) -> None:
    """A missing topic, an unreachable warehouse: an error, never an empty answer."""
    with pytest.raises(VerifyError, match="no such topic"):
        read_topic(cluster, "nowhere", since_ms=0)
    assert read_dead_letters(cluster, "nowhere", lab.topic, since_ms=0) == {}
    with pytest.raises(VerifyError, match="warehouse"):
        read_loads("host=/nowhere dbname=none", "public.clicks")


def test_a_dead_letter_reads_as_its_source_record(lab, cluster) -> None:
    """With the coordinates taken off, a dead letter has the digest of the record it stands for."""
    lab.create(partitions=1)
    lab.create(topic=lab.target, partitions=1)
    lab.producer.produce(lab.topic, b"v", b"k", 0, timestamp=lab.base_ms, headers=[("h", b"1")])
    told = {
        "topic": lab.topic,
        "partition": "0",
        "offset": "0",
        "timestamp-ms": str(lab.base_ms),
        "reason": "r",
    }
    headers = [
        ("h", b"1"),
        *((f"isthmus-dlq-{name}", text.encode()) for name, text in told.items()),
    ]
    lab.producer.produce(lab.target, b"v", b"k", 0, headers=headers)
    lab.producer.flush()
    (digest,) = digests(cluster, lab.topic)[0]
    assert read_dead_letters(cluster, lab.target, lab.topic, since_ms=0) == {0: {0: digest}}
    assert read_dead_letters(cluster, lab.target, lab.topic, since_ms=lab.base_ms + 1) == {}
    assert read_dead_letters(cluster, lab.target, "other", since_ms=0) == {}
