"""The negative control's target: it copies, and its progress comes late."""

import pytest

import sync.plain
from sync.batch import Disposition
from sync.faults import ReplicationError
from sync.plain import PlainTarget

pytestmark = pytest.mark.engines


@pytest.fixture
def target(lab):
    lab.create()
    lab.create(topic=lab.target)
    target = PlainTarget(lab.brokers, client_id="plain", size_max=10**6)
    target.open()
    yield target
    target.close()


def copy(lab, target, value: bytes) -> None:
    target.begin()(lab.topic, value, b"k", 0)
    target.commit(lab.target, {0: (b"key", value)})


def test_records_are_there_before_their_progress(lab, target) -> None:
    """This is the hole: a kill now would copy the record again."""
    copy(lab, target, b"1")
    assert [m.value() for m in lab.read(lab.topic)] == [b"1"]
    assert lab.read(lab.target) == []


def test_progress_follows_when_it_is_due(lab, target, monkeypatch) -> None:
    """After the interval the newest progress is written, once per partition."""
    copy(lab, target, b"1")
    monkeypatch.setattr(sync.plain, "PLAIN_COMMIT_S", 0.0)
    copy(lab, target, b"2")
    assert [m.value() for m in lab.read(lab.target)] == [b"2"]


def test_a_clean_end_writes_progress(lab, target) -> None:
    """Only a kill duplicates; a shutdown does not."""
    copy(lab, target, b"1")
    target.close()
    assert [m.value() for m in lab.read(lab.target)] == [b"1"]
    with pytest.raises(ReplicationError, match="not open") as caught:
        target.begin()
    assert caught.value.disposition is Disposition.RENEW
