"""The warehouse's transaction: rows, quarantine and offsets together, and no loader without its epoch."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from sync.batch import Disposition
from sync.clean import Row
from sync.faults import ReplicationError
from sync.store import Loaded, Move, Quarantined, Store

pytestmark = pytest.mark.engines

ROW = Row(event_id="e", site="public", ad="a", campaign="c", accepted_ms=5, occurred_ms=4)


@pytest.fixture
def topic() -> str:
    return f"public.{uuid.uuid4().hex[:8]}"


@pytest.fixture
def stores(postgres_dsn) -> Iterator[list[Store]]:
    stores = [Store(postgres_dsn), Store(postgres_dsn)]
    for store in stores:
        store.open()
    yield stores
    for store in stores:
        store.close()


def rows(dsn, table, topic):
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            f'select partition, "offset" from {table} where topic = %s order by 1, 2', (topic,)
        ).fetchall()


def test_rows_and_offsets_move_together(stores, postgres_dsn, topic) -> None:
    """A commit leaves rows, quarantine and the next offset; a later claim starts there."""
    store, later = stores
    held = store.claim(topic, topic_id="id", starts={0: 3, 1: 0})
    assert {n: (h.topic_id, h.next, h.epoch) for n, h in held.items()} == {
        0: ("id", 3, 1),
        1: ("id", 0, 1),
    }
    store.commit(
        topic,
        rows=[Loaded(0, 3, ROW), Loaded(1, 0, ROW)],
        rejects=[
            Quarantined(0, 4, "malformed: …", b"\x00\xff"),
            Quarantined(0, 5, "tombstone", None),
        ],
        moves=[Move(0, 3, 6, 1), Move(1, 0, 1, 1)],
    )
    assert rows(postgres_dsn, "events", topic) == [(0, 3), (1, 0)]
    assert rows(postgres_dsn, "quarantine", topic) == [(0, 4), (0, 5)]
    again = later.claim(topic, topic_id="other", starts={0: 0, 1: 0})
    assert (again[0].next, again[1].next, again[0].topic_id) == (6, 1, "id")


def test_a_zombie_loader_writes_nothing(stores, postgres_dsn, topic) -> None:
    """Once another loader has claimed the offsets, the first one's commit is refused whole."""
    zombie, heir = stores
    zombie.claim(topic, topic_id="id", starts={0: 0})
    heir.claim(topic, topic_id="id", starts={0: 0})
    with pytest.raises(ReplicationError) as caught:
        zombie.commit(topic, rows=[Loaded(0, 0, ROW)], rejects=[], moves=[Move(0, 0, 1, 1)])
    assert caught.value.disposition is Disposition.FENCED
    assert rows(postgres_dsn, "events", topic) == []
    heir.commit(topic, rows=[Loaded(0, 0, ROW)], rejects=[], moves=[Move(0, 0, 1, 2)])
    assert rows(postgres_dsn, "events", topic) == [(0, 0)]


def test_without_the_swap_the_zombie_would_write(stores, postgres_dsn, topic) -> None:
    """The control: the same rows without an offset to swap do land, so the swap is what refuses them."""
    zombie, heir = stores
    zombie.claim(topic, topic_id="id", starts={0: 0})
    heir.claim(topic, topic_id="id", starts={0: 0})
    zombie.commit(topic, rows=[Loaded(0, 0, ROW)], rejects=[], moves=[])
    assert rows(postgres_dsn, "events", topic) == [(0, 0)]


def test_a_stale_offset_is_refused(stores, topic) -> None:
    """A batch that does not begin where the last one ended moves nothing."""
    store, _ = stores
    store.claim(topic, topic_id="id", starts={0: 5})
    with pytest.raises(ReplicationError) as caught:
        store.commit(topic, rows=[], rejects=[], moves=[Move(0, 4, 6, 1)])
    assert caught.value.disposition is Disposition.FENCED


def test_errors_have_dispositions(stores, postgres_dsn, topic) -> None:
    """A value PostgreSQL cannot hold is refused; a row that is there already stops; a lost server renews."""
    store, _ = stores
    store.claim(topic, topic_id="id", starts={0: 0})
    bad = Row(event_id="a\x00b", site="s", ad="a", campaign="c", accepted_ms=1, occurred_ms=1)
    with pytest.raises(ReplicationError) as refused:
        store.commit(topic, rows=[Loaded(0, 0, bad)], rejects=[], moves=[Move(0, 0, 1, 1)])
    assert refused.value.disposition is Disposition.REFUSED
    store.commit(topic, rows=[Loaded(0, 0, ROW)], rejects=[], moves=[Move(0, 0, 1, 1)])
    with pytest.raises(ReplicationError, match="rows are there") as stopped:
        store.commit(topic, rows=[Loaded(0, 0, ROW)], rejects=[], moves=[Move(0, 1, 2, 1)])
    assert stopped.value.disposition is Disposition.STOP
    store.close()
    with pytest.raises(ReplicationError) as renewed:
        store.commit(topic, rows=[], rejects=[], moves=[])
    assert renewed.value.disposition is Disposition.RENEW
    with pytest.raises(ReplicationError) as unreachable:
        Store("host=/nowhere dbname=none").open()
    assert unreachable.value.disposition is Disposition.RENEW
