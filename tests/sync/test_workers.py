"""The workers in their threads: set-up that waits, records the target refuses, and what `status` shows."""

import msgspec
import pytest

from sync.plan import dead_letter_topic
from sync.verify import plan_from, verify
from tests.sync.lab import click, wait_for

pytestmark = pytest.mark.engines


def test_a_stream_waits_for_its_topic(lab) -> None:
    """Without a source topic the status says what is waited for; with one it runs."""
    with lab.running(lab.bridge_plan()) as bridge:
        wait_for(lambda: "no such topic" in bridge.status().slices[0].reason, "a reason")
        assert bridge.status().slices[0].state == "starting"
        lab.create()
        wait_for(lambda: bridge.running, "the slices run")


def test_a_set_up_that_must_stop_says_so(lab) -> None:
    """A target that is not the recorded one fails the stream, visibly, and nothing runs."""
    lab.create()
    lab.establish()
    lab.delete(lab.target)
    with lab.running(lab.bridge_plan()) as bridge:
        wait_for(lambda: bridge.status().slices[0].state == "failed", "failed")
        assert "topic-recreated" in bridge.status().slices[0].reason


def test_a_record_the_target_refuses_is_found_and_set_aside(lab) -> None:
    """Halving finds the one keyless record a compacted target refuses; the rest arrives in order."""
    lab.create(partitions=1)
    lab.create(topic=lab.target, partitions=1, config={"cleanup.policy": "compact"})
    for number in range(50):
        lab.producer.produce(
            lab.topic, b"%d" % number, None if number == 17 else b"k%d" % number, 0
        )
    lab.producer.flush()
    with lab.running(lab.bridge_plan()) as bridge:
        wait_for(lambda: bridge.status().slices[0].committed_records >= 50, "all records")
        assert bridge.status().dead_letters == 1
    (letter,) = lab.read(dead_letter_topic(lab.name), partitions=1)
    assert letter.value() == b"17"
    assert dict(letter.headers())["isthmus-dlq-reason"] == b"refused-by-target"
    assert verify(plan_from(lab.bridge_plan())).ok


def test_slices_and_load_are_shown_together(lab, postgres_dsn) -> None:
    """Records mirrored and rows loaded appear in one status; the lag ends at nothing."""
    lab.create()
    plan = msgspec.structs.replace(
        lab.bridge_plan(slices_max=2, warehouse_topics=(lab.target,)), warehouse_dsn=postgres_dsn
    )
    lab.send([click(n) for n in range(9)] + [b"junk"])
    with lab.running(plan) as bridge:
        wait_for(lambda: bridge.status().warehouse_rows == 9, "all rows")
        wait_for(lambda: bridge.status().quarantined == 1, "the quarantined record")
        told = bridge.status()
        assert sum(part.committed_records for part in told.slices) == 10
        assert [part.partitions for part in told.slices] == [(0,), (1,)]
        wait_for(lambda: bridge.status().warehouse_lag_records == 0, "no lag is left")
