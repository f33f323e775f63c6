"""The loader against a real broker and PostgreSQL: rows once, quarantine with reasons, loud stops."""

from collections.abc import Iterator

import psycopg
import pytest
from confluent_kafka import TopicPartition

from sync.batch import Disposition
from sync.faults import Alarm, ReplicationError
from sync.kafka import Source
from sync.store import Store
from sync.warehouse import WarehouseSession
from tests.sync.lab import carry, click, wait_for

pytestmark = pytest.mark.engines


@pytest.fixture
def sessions(lab, postgres_dsn) -> Iterator[list[WarehouseSession]]:
    sessions = [
        WarehouseSession(
            lab.topic, cluster=lab.cluster, source=Source(lab.brokers, client_id="load", topic=lab.topic),
            store=Store(postgres_dsn), alarm=Alarm(),
        )
        for _ in range(2)
    ]  # fmt: skip
    yield sessions
    for session in sessions:
        session.close()


def held(dsn, topic):
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            'select partition, "offset", event_id from events where topic = %s order by 1, 2',
            (topic,),
        ).fetchall()
        rejects = connection.execute(
            'select partition, "offset", reason, value from quarantine where topic = %s order by 1, 2',
            (topic,),
        ).fetchall()
    return rows, rejects


def test_clicks_become_rows_and_the_rest_is_quarantined(lab, sessions, postgres_dsn) -> None:
    """Coordinates are the topic's; malformed, late and deleted records keep their bytes and a reason."""
    lab.create()
    late = click(4, occurred_ms=1)
    lab.send([click(0), click(1), b"{", None, late])
    session = sessions[0]
    session.open()
    carry(session, 5)
    rows, rejects = held(postgres_dsn, lab.topic)
    assert rows == [(0, 0, "event-0"), (1, 0, "event-1")]
    assert [(p, o, r.split(":")[0], v) for p, o, r, v in rejects] == [
        (0, 1, "malformed", b"{"),
        (0, 2, "late", late),
        (1, 1, "tombstone", None),
    ]
    assert (session.rows, session.quarantined) == (2, 3)


def test_a_second_loader_takes_over_exactly(lab, sessions, postgres_dsn) -> None:
    """The first loader's batch in hand is refused; the second loads it once."""
    lab.create()
    lab.send([click(n) for n in range(6)])
    zombie, heir = sessions
    zombie.open()
    wait_for(lambda: zombie.fetch(10) > 0, "the zombie's batch")
    zombie.copy(None)
    heir.open()
    carry(heir, 6)
    with pytest.raises(ReplicationError) as caught:
        zombie.commit()
    assert caught.value.disposition is Disposition.FENCED
    assert len(held(postgres_dsn, lab.topic)[0]) == 6


def test_a_condemned_record_is_quarantined(lab, sessions, postgres_dsn) -> None:
    """What the warehouse refused alone goes to quarantine instead of stopping the load."""
    lab.create(partitions=1)
    lab.send([click(0), click(1)], partitions=1)
    session = sessions[0]
    session.open()
    wait_for(lambda: session.fetch(1) == 1, "one record")
    assert session.only == (0, 0)
    session.copy((0, 0))
    session.commit()
    assert held(postgres_dsn, lab.topic)[1][0][2] == "refused-by-warehouse"


@pytest.mark.parametrize("damage", ["retention-gap", "topic-recreated"])
def test_damage_at_the_source_stops(lab, sessions, damage) -> None:
    """Deleted uncopied records and a topic created anew are stops for the loader too."""
    lab.create(partitions=1)
    lab.send([click(n) for n in range(4)], partitions=1)
    first, second = sessions
    first.open()
    carry(first, 4)
    if damage == "retention-gap":
        lab.send([click(n) for n in range(4, 9)], partitions=1)
        place = TopicPartition(lab.topic, 0, 7)
        lab.admin.delete_records([place])[place].result()
    else:
        lab.delete(lab.topic)
        lab.create(partitions=1)
        lab.send([click(n) for n in range(9)], partitions=1)
    with pytest.raises(ReplicationError, match=damage) as caught:
        second.open()
    assert caught.value.disposition is Disposition.STOP


def test_a_topic_that_is_not_there_yet_is_waited_for(sessions) -> None:
    """The mirror creates the topic; until then the loader tries again."""
    with pytest.raises(ReplicationError, match="no such topic yet") as caught:
        sessions[0].open()
    assert caught.value.disposition is Disposition.RENEW
