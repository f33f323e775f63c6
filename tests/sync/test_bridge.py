"""The whole bridge as a process: killed inside transactions, stopped, fed with loss at its source."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from confluent_kafka import TopicPartition

from contracts.settings import BridgeSettings
from sync.verify import plan_from_settings, verify
from tests.sync.lab import Lab, click, wait_for
from tests.sync.process import BridgeProcess

pytestmark = pytest.mark.engines


@pytest.fixture
def bridge(lab, postgres_dsn, monkeypatch) -> Iterator[BridgeProcess]:
    monkeypatch.setenv("ISTHMUS_TEST_WAREHOUSE", postgres_dsn)
    process = BridgeProcess(lab, dsn=postgres_dsn, slices_max=2)
    yield process
    process.close()


@contextmanager
def traffic(lab: Lab, *, partitions: int = 4) -> Iterator[list[int]]:
    """Clicks at some hundred a second until the block ends; yields the count so far."""
    sent, stop = [0], threading.Event()

    def produce() -> None:
        while not stop.wait(0.002):
            lab.producer.produce(
                lab.topic, click(sent[0]), b"ad", sent[0] % partitions, headers=[("n", b"1")]
            )
            lab.producer.poll(0)
            sent[0] += 1

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()
        lab.producer.flush()


def kill_inside_a_transaction(lab: Lab, bridge: BridgeProcess) -> None:
    """Freeze the process, look whether its transaction is open, and only then kill it.

    One look is not enough: a commit that was under way when the process froze still ends it.
    """

    def frozen_open() -> bool:
        bridge.pause()
        if all(lab.open_transaction(lab.target, partitions=4) for _ in range(5)):
            return True
        bridge.resume()
        return False

    wait_for(frozen_open, "a transaction is open")
    bridge.kill()
    assert lab.open_transaction(lab.target, partitions=4)


def test_killed_inside_transactions_it_is_still_exactly_once(lab, bridge) -> None:
    """Two SIGKILLs with a transaction open: nothing lost, nothing twice, order and warehouse right."""
    lab.create(partitions=4)
    bridge.start()
    with traffic(lab) as sent:
        for _ in range(2):
            goal = sent[0] + 50
            wait_for(lambda goal=goal: sent[0] > goal, "traffic flows")
            kill_inside_a_transaction(lab, bridge)
            bridge.start()
    told = verify(plan_from_settings(bridge.settings), wait_s=20)
    assert told.ok, told
    topic = told.topics[0]
    assert topic.source_records == topic.target_records == topic.warehouse_rows == sent[0]
    assert bridge.terminate() == 0


def test_sigterm_ends_cleanly_and_quickly(lab, bridge) -> None:
    """A running bridge ends with exit code 0, no transaction open, its socket gone."""
    lab.create(partitions=4)
    bridge.start()
    with traffic(lab) as sent:
        wait_for(lambda: sent[0] > 50, "traffic flows")
        assert bridge.terminate() == 0
    assert not lab.open_transaction(lab.target, partitions=4)
    assert not bridge.control.exists()
    assert bridge.logged("bridge.stopped")


def test_status_counts_what_was_carried(lab, bridge) -> None:
    """The control socket tells slices, records, rows and lag."""
    lab.create(partitions=4)
    bridge.start()
    lab.send([click(n) for n in range(20)], partitions=4)
    wait_for(lambda: bridge.status().warehouse_rows == 20, "all rows")
    told = bridge.status()
    assert {part.id for part in told.slices} == {f"{lab.name}/{lab.topic}/{n}" for n in (0, 1)}
    assert sum(part.committed_records for part in told.slices) == 20
    assert {part.state for part in told.slices} == {"running"}
    assert sum(part.lag_records for part in told.slices) == 0
    assert [sorted(part.partitions) for part in told.slices] == [[0, 2], [1, 3]]


def failed(bridge: BridgeProcess, reason: str) -> bool:
    return all(p.state == "failed" and reason in p.reason for p in bridge.status().slices)


def test_a_topic_created_anew_stops_the_slices(lab, bridge) -> None:
    """A topic of the same name is another topic: its records are not copied over the old ones."""
    lab.create(partitions=4)
    bridge.start()
    lab.send([click(n) for n in range(40)], partitions=4)
    wait_for(lambda: bridge.status().warehouse_rows == 40, "all rows")
    lab.delete(lab.topic)
    lab.create(partitions=4)
    lab.send([click(n) for n in range(100, 140)], partitions=4)
    wait_for(lambda: failed(bridge, "topic-recreated"), "the slices have failed")
    assert len(lab.read(lab.target, partitions=4)) == 40
    assert bridge.logged("slice.failed")


def test_records_deleted_uncopied_stop_the_slices(lab, bridge) -> None:
    """Deleting records a stopped bridge has not copied is a gap that its next start refuses."""
    lab.create(partitions=4)
    bridge.start()
    lab.send([click(n) for n in range(8)], partitions=4)
    wait_for(lambda: bridge.status().warehouse_rows == 8, "all rows")
    assert bridge.terminate() == 0
    lab.send([click(n) for n in range(8, 40)], partitions=4)
    cut = {TopicPartition(lab.topic, n, 6): None for n in range(4)}
    for future in lab.admin.delete_records(list(cut)).values():
        future.result()
    with pytest.raises(AssertionError):
        bridge.start_within(3.0)
    assert failed(bridge, "retention-gap")


def test_added_partitions_stop_and_a_restart_carries_them(lab, bridge) -> None:
    """Partitions nobody reads are never silently left out."""
    lab.create(partitions=4)
    bridge.start()
    lab.grow(6)
    lab.send([click(n) for n in range(12)], partitions=6)
    wait_for(lambda: failed(bridge, "partitions-added"), "the slices have failed")
    bridge.kill()
    bridge.start()
    told = verify(plan_from_settings(bridge.settings), wait_s=20)
    assert told.ok, told
    assert told.topics[0].source_records == 12


def test_without_transactions_a_kill_makes_duplicates(lab) -> None:
    """The negative control: progress apart from records, killed while records flow, is not exactly once."""
    lab.create(partitions=4)
    bridge = BridgeProcess(lab, slices_max=1, disable=("eos",))
    try:
        bridge.start()
        with traffic(lab) as sent:
            goal = [300]
            wait_for(lambda: sent[0] > goal[0], "traffic flows")
            wait_for(
                lambda: bridge.status().slices[0].committed_records > 200, "records are copied"
            )
            bridge.kill()
            bridge.start()
        told = verify(plan_from_settings(bridge.settings), wait_s=5)
        assert not told.ok
        assert told.topics[0].duplicate > 0
        assert bridge.logged("bridge.mechanism_disabled")
    finally:
        bridge.close()


def test_a_socket_that_cannot_be_made_exits_2(lab) -> None:
    """A control path that is too long is a configuration error that names both paths."""
    bridge = BridgeProcess(lab)
    try:
        own = msgspec.json.decode(bridge.settings.read_bytes(), type=BridgeSettings)
        long = str(bridge.directory / ("x" * 120))
        bridge.settings.write_bytes(msgspec.json.encode(msgspec.structs.replace(own, control=long)))
        with pytest.raises(AssertionError, match="at most 107 bytes"):
            bridge.start()
        assert bridge.wait() == 2
    finally:
        bridge.close()
