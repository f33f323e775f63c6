"""What stands before slices run: topics, the record, and refusals when what was recorded is gone."""

import msgspec
import pytest

from sync.batch import Disposition
from sync.faults import ReplicationError
from sync.plan import dead_letter_topic, progress_topic
from sync.setup import establish
from tests.sync.lab import carry

pytestmark = pytest.mark.engines


def test_a_new_link_makes_what_it_needs(lab) -> None:
    """Target and progress have the source's partitions; the record holds ids, starts and slices."""
    lab.create(partitions=3)
    plan = lab.establish(slices_max=2)
    assert (plan.partitions, plan.slices, plan.starts) == (3, 2, (0, 0, 0))
    for topic in (lab.target, progress_topic(lab.name, lab.topic)):
        assert lab.cluster.describe(topic).partitions == 3
    assert lab.cluster.describe(dead_letter_topic(lab.name)).partitions == 1
    assert plan.target_id == lab.cluster.describe(lab.target).id


def test_the_slice_count_is_fixed_at_creation(lab) -> None:
    """Another `slices_max` later changes nothing: ids stay."""
    lab.create(partitions=3)
    first = lab.establish(slices_max=3)
    assert lab.establish(slices_max=1) == first


def test_a_topic_that_is_missing_is_waited_for(lab) -> None:
    """No source topic yet is no reason to stop, nor to create anything."""
    with pytest.raises(ReplicationError, match="no such topic on the source") as caught:
        lab.establish()
    assert caught.value.disposition is Disposition.RENEW
    assert lab.cluster.describe(lab.target) is None


@pytest.mark.parametrize("which", ["target", "progress"])
def test_a_recorded_topic_that_is_another_one_stops(lab, which) -> None:
    """Target or progress deleted or created anew: its progress is gone, so nothing is copied."""
    lab.create()
    lab.establish()
    topic = lab.target if which == "target" else progress_topic(lab.name, lab.topic)
    lab.delete(topic)
    for _ in ("gone", "anew"):
        with pytest.raises(ReplicationError, match="topic-recreated") as caught:
            lab.establish()
        assert caught.value.disposition is Disposition.STOP
        if lab.cluster.describe(topic) is None:
            lab.create(topic=topic)


def test_a_renamed_target_stops(lab) -> None:
    """A policy that names another target does not silently begin a second copy."""
    lab.create()
    lab.establish()
    renamed = msgspec.structs.replace(lab.stream, rename="elsewhere")
    with pytest.raises(ReplicationError, match="target-renamed"):
        establish(lab.link, renamed, slices_max=1)


def test_added_partitions_are_taken_up(lab) -> None:
    """The target grows first, then the record; the new partition's records are carried from the first."""
    lab.create(partitions=1)
    lab.establish()
    lab.grow(3)
    lab.send([b"a", b"b", b"c"], partitions=3)
    plan = lab.establish()
    assert plan.partitions == 3
    session = lab.session(plan)
    session.open()
    carry(session, 3)
    assert len(lab.read(lab.target, partitions=3)) == 3


def test_clocks_ahead_are_no_reason_to_refuse(lab) -> None:
    """The target takes timestamps of the future, which Kafka's default would not."""
    lab.create(partitions=1, config={"message.timestamp.after.max.ms": str(2**63 - 1)})
    lab.producer.produce(lab.topic, b"v", b"k", 0, timestamp=4_000_000_000_000)
    lab.producer.flush()
    session = lab.session(lab.establish())
    session.open()
    carry(session, 1)
    assert lab.read(lab.target, partitions=1)[0].timestamp()[1] == 4_000_000_000_000
