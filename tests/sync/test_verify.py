"""The verdict against damage done by hand to a real target and a real warehouse."""

from collections.abc import Iterator

import msgspec
import psycopg
import pytest

from sync.reader import VerifyError
from sync.verify import plan_from, verify
from tests.sync.lab import click, wait_for

pytestmark = pytest.mark.engines


@pytest.fixture
def carried(lab, postgres_dsn) -> Iterator:
    """A link that has carried and loaded twelve clicks, and the plan to verify it."""
    lab.create()
    plan = msgspec.structs.replace(
        lab.bridge_plan(warehouse_topics=(lab.target,)), warehouse_dsn=postgres_dsn
    )
    lab.send([click(n) for n in range(12)])
    with lab.running(plan) as bridge:
        wait_for(lambda: bridge.status().warehouse_rows == 12, "all rows")
    return plan_from(plan)


def change_warehouse(plan, statement: str, *values: object) -> None:
    with psycopg.connect(plan.dsn) as connection:
        assert connection.execute(statement, (plan.topics[0].target, *values)).rowcount == 1


def test_a_faithful_link_is_ok(carried) -> None:
    """Counts agree on every side and every fault is zero."""
    told = verify(carried)
    topic = told.topics[0]
    assert told.ok
    assert topic.source_records == topic.target_records == topic.warehouse_rows == 12
    assert (topic.lost, topic.duplicate, topic.reordered, topic.altered) == (0, 0, 0, 0)


def test_a_second_copy_is_a_duplicate(lab, carried) -> None:
    """A record that stands twice on the target is found by its digest."""
    first = lab.read(lab.topic)[0]
    lab.producer.produce(
        lab.target, first.value(), first.key(), first.partition(), timestamp=first.timestamp()[1]
    )
    lab.producer.flush()
    told = verify(carried)
    assert not told.ok
    assert told.topics[0].duplicate == 1


def test_a_record_that_never_arrived_is_lost(lab, carried) -> None:
    """With the bridge down, a new source record is missing; `since_ms` can leave it out."""
    lab.send([b"late"])
    told = verify(carried)
    assert (told.ok, told.topics[0].lost) == (False, 1)
    only_clicks = msgspec.structs.replace(carried, since_ms=lab.base_ms + 1)
    assert verify(only_clicks).ok


def test_a_stranger_on_the_target_is_altered(lab, carried) -> None:
    """What the source never had did not come through the bridge."""
    lab.send([b"stranger"], topic=lab.target)
    assert verify(carried).topics[0].altered == 1


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            'delete from events where topic = %s and partition = 0 and "offset" = 0',
            "warehouse_lost",
        ),
        (
            "insert into events select topic, partition, 99, event_id, site, ad, campaign, 1, 1"
            ' from events where topic = %s and partition = 0 and "offset" = 0',
            "warehouse_duplicate",
        ),
        (
            "update events set ad = 'x' where topic = %s and partition = 0 and \"offset\" = 0",
            "altered",
        ),
    ],
)
def test_a_damaged_warehouse_is_found(carried, statement, fault) -> None:
    """A missing row, a row too many, a changed row: each has its count."""
    change_warehouse(carried, statement)
    told = verify(carried)
    assert not told.ok
    assert getattr(told.topics[0], fault) == 1


def test_waiting_ends_when_the_bridge_has_caught_up(lab, carried) -> None:
    """A loss that the bridge mends within the wait is none; a duplicate is not waited for."""
    lab.send([b"late"])
    slept: list[float] = []

    def mend(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            late = lab.read(lab.topic)
            last = max(late, key=lambda m: (m.value() == b"late", m.offset()))
            lab.producer.produce(
                lab.target,
                last.value(),
                last.key(),
                last.partition(),
                timestamp=last.timestamp()[1],
            )
            lab.producer.flush()

    mirror_only = msgspec.structs.replace(
        carried, topics=(msgspec.structs.replace(carried.topics[0], loaded=False),)
    )
    assert verify(mirror_only, wait_s=30, sleep=mend).ok
    assert len(slept) == 1
    lab.send([b"stranger"], topic=lab.target)
    assert not verify(mirror_only, wait_s=30, sleep=mend).ok
    assert len(slept) == 1


def test_what_cannot_be_read_is_no_verdict(carried) -> None:
    """A missing target is an error after the wait, never an empty success."""
    absent = msgspec.structs.replace(
        carried,
        topics=(msgspec.structs.replace(carried.topics[0], target="nowhere", loaded=False),),
    )
    ticks = iter(range(100))
    with pytest.raises(VerifyError, match="no such topic"):
        verify(absent, wait_s=2, clock=lambda: next(ticks), sleep=lambda _s: None)


def test_a_topic_that_is_only_loaded_is_its_own_source(lab, carried) -> None:
    """The own site's topics are compared with the warehouse alone."""
    lab.create(topic=lab.name)
    own = msgspec.structs.replace(lab.bridge_plan(warehouse_topics=(lab.name,)), streams=())
    own = msgspec.structs.replace(own, warehouse_dsn=carried.dsn)
    lab.send([click(n) for n in range(3)], topic=lab.name)
    told = verify(plan_from(own)).topics[0]
    assert (told.topic, told.lost, told.warehouse_lost) == (lab.name, 0, 3)
    with lab.running(own) as bridge:
        wait_for(lambda: bridge.status().warehouse_rows == 3, "all rows")
    assert verify(plan_from(own)).ok
