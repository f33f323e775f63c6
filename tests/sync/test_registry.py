"""The recorded plan: one record whoever writes, and a change of the slice count that leaves no zombie."""

import contextlib
import threading

import pytest

from sync.batch import Disposition
from sync.faults import ReplicationError
from sync.plan import TopicPlan, resized, settled
from sync.verify import plan_from, verify
from tests.sync.lab import carry, wait_for

pytestmark = pytest.mark.engines


def plan(lab, **changes) -> TopicPlan:
    fields = {
        "topic": lab.topic, "target": lab.target, "source_id": "s", "target_id": "t",
        "progress_id": "p", "starts": (0, 0), "slices": 2, "slices_ever": 2,
    }  # fmt: skip
    return TopicPlan(**(fields | changes))


def test_a_record_is_read_back(lab) -> None:
    """The newest record of the topic counts, other topics' records do not."""
    lab.registry.update(lab.topic, lambda _before: plan(lab))
    lab.registry.update("other", lambda _before: plan(lab, topic="other", slices=1))
    lab.registry.update(lab.topic, lambda before: resized(before, 1))
    found = lab.registry.read(lab.topic)
    assert (found.slices, found.pending) == (1, True)
    assert lab.registry.read("unknown") is None


def test_creators_at_the_same_time_agree(lab) -> None:
    """Two bridges that start at once end with one record, or one of them is told to start over."""
    lab.registry.update(lab.topic + "-warm", lambda _before: plan(lab))
    told: list[TopicPlan] = []

    def create(slices: int) -> None:
        mine = plan(lab, slices=slices)
        with contextlib.suppress(ReplicationError):  # fenced by the other
            told.append(lab.registry.update(lab.topic, lambda before: before or mine))

    threads = [threading.Thread(target=create, args=(n,)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorded = lab.registry.read(lab.topic)
    assert told
    assert recorded in told
    assert told[-1] == recorded


def test_a_record_of_another_version_stops(lab) -> None:
    """A record nobody can read is a stop, not a fresh start."""
    lab.registry.update(lab.topic, lambda _before: plan(lab))
    lab.producer.produce(f"{lab.name}.meta", b'{"schema":9}', lab.topic.encode(), 0)
    lab.producer.flush()
    with pytest.raises(ReplicationError, match="plan-unreadable") as caught:
        lab.registry.read(lab.topic)
    assert caught.value.disposition is Disposition.STOP


@pytest.mark.parametrize(("fencing", "duplicates"), [("fenced", 0), ("unfenced", 3)])
def test_a_removed_slice_has_no_zombie(lab, fencing, duplicates) -> None:
    """A removed slice's worker, with a batch in hand, commits it again unless its id was fenced."""
    lab.create()
    lab.send([b"a", b"b", b"c", b"d", b"e", b"f"])
    zombie = lab.session(lab.establish(slices_max=2), 1)
    zombie.open()
    wait_for(lambda: zombie.fetch(10) == 3, "the zombie's batch")
    zombie.copy(None)
    if fencing == "fenced":
        one = lab.registry.resize(lab.topic, 1)
    else:
        one = lab.registry.update(lab.topic, lambda before: settled(resized(before, 1)))
    heir = lab.session(one)
    heir.open()
    carry(heir, 6)
    if fencing == "fenced":
        with pytest.raises(ReplicationError) as caught:
            zombie.commit()
        assert caught.value.disposition is Disposition.FENCED
    else:
        zombie.commit()
    found = verify(plan_from(lab.bridge_plan())).topics[0]
    assert (found.lost, found.duplicate) == (0, duplicates)


def test_an_interrupted_change_is_finished_by_the_next_start(lab) -> None:
    """A record left pending is settled, every id fenced, before slices run."""
    lab.create()
    lab.send([b"a", b"b"])
    zombie = lab.session(lab.establish(slices_max=2), 1)
    zombie.open()
    wait_for(lambda: zombie.fetch(10) == 1, "the zombie's batch")
    zombie.copy(None)
    lab.registry.update(lab.topic, lambda before: resized(before, 1))
    assert not lab.establish().pending
    with pytest.raises(ReplicationError):
        zombie.commit()


def test_an_unknown_topic_cannot_be_resized(lab) -> None:
    """A slice count belongs to a recorded plan."""
    with pytest.raises(ReplicationError, match="no plan is recorded"):
        lab.registry.resize(lab.topic, 2)
