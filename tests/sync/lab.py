"""What the bridge's engine tests share: a link with names of its own, records, and a wait with a deadline."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from contracts.settings import BridgeSettings
from policy.model import StreamRule
from sync.admin import Cluster
from sync.bridge import Bridge
from sync.clients import Brokers
from sync.faults import Alarm
from sync.kafka import Source, TransactionalTarget
from sync.mirror import Ends, MirrorSession, Slice
from sync.plan import TopicPlan, partitions_of, slice_id
from sync.registry import Registry
from sync.settings import BridgePlan
from sync.setup import Link, establish

DEADLINE_S = 30.0


def wait_for(condition: Callable[[], bool], what: str, *, within_s: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.01)


def click(number: int, **changes: object) -> bytes:
    now_ms = int(time.time() * 1000)
    event = {
        "schema": 1, "event_id": f"event-{number}", "ad": f"ad-{number % 7}", "campaign": "spring",
        "site": "public", "node": "clicks-1", "accepted_ms": now_ms, "occurred_ms": now_ms,
    }  # fmt: skip
    return json.dumps(event | changes).encode()


class Lab:
    """One link `name` that carries `topic`; everything it starts ends with `close`."""

    def __init__(self, bootstrap: str) -> None:
        mark = uuid.uuid4().hex[:8]
        self.bootstrap = bootstrap
        self.name = f"link-{mark}"
        self.topic = f"clicks-{mark}"
        self.stop = threading.Event()
        self.base_ms = int(time.time() * 1000) - 60_000
        """Timestamps are recent: the broker's retention deletes what is older than a week at any moment."""
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self.producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 1, "log_level": 0})
        self.brokers = Brokers(name="lab", bootstrap=bootstrap)
        self.cluster = Cluster(self.brokers, client_id="lab")
        self.registry = Registry(
            self.cluster, self.name, transaction_timeout_ms=10_000, stop=self.stop
        )
        self.link = Link(self.name, self.cluster, self.cluster, self.registry)
        self.stream = StreamRule(
            topic=self.topic, source="public", target="private", carry_all=True
        )
        self.target = self.stream.target_topic
        self._sessions: list[MirrorSession] = []

    def close(self) -> None:
        self.stop.set()
        for session in self._sessions:
            session.close()

    def create(self, *, partitions: int = 2, topic: str = "", config: dict | None = None) -> None:
        name = topic or self.topic
        self.admin.create_topics([NewTopic(name, partitions, 1, config=config or {})])[
            name
        ].result()
        wait_for(lambda: self.cluster.describe(name) is not None, f"{name} is there")

    def grow(self, partitions: int) -> None:
        self.admin.create_partitions([NewPartitions(self.topic, partitions)])[self.topic].result()
        wait_for(
            lambda: self.cluster.describe(self.topic).partitions == partitions,
            "partitions are there",
        )

    def delete(self, topic: str) -> None:
        self.admin.delete_topics([topic])[topic].result()
        wait_for(lambda: self.cluster.describe(topic) is None, f"{topic} is gone")

    def send(self, values: list[bytes | None], *, partitions: int = 2, topic: str = "") -> None:
        for number, value in enumerate(values):
            self.producer.produce(
                topic or self.topic, value, b"key", number % partitions, timestamp=self.base_ms + number
            )  # fmt: skip
        self.producer.flush()

    def establish(self, *, slices_max: int = 1) -> TopicPlan:
        return establish(self.link, self.stream, slices_max=slices_max)

    def session(self, plan: TopicPlan, number: int = 0) -> MirrorSession:
        identity = slice_id(self.name, self.topic, slice_no=number)
        size_max = self.cluster.batch_bytes_max(plan.target)
        own = Slice(
            plan, partitions_of(number, partitions=plan.partitions, slices=plan.slices), size_max, "digest"
        )  # fmt: skip
        target = TransactionalTarget(
            self.brokers, transactional_id=identity, size_max=size_max, timeout_ms=10_000
        )
        source = Source(self.brokers, client_id=identity, topic=self.topic)
        session = MirrorSession(
            self.link, own, ends=Ends(target, source), alarm=Alarm(), stop=self.stop
        )
        self._sessions.append(session)
        return session

    def bridge_plan(self, **settings: object) -> BridgePlan:
        own = BridgeSettings(
            name="bridge", link=self.name, site="private", policy="policy.yaml", topology="topology.yaml",
            control="", ready="", **settings,
        )  # fmt: skip
        return BridgePlan(
            settings=own, streams=(self.stream,), source=self.brokers, own=self.brokers,
            warehouse_dsn="", policy_digest="digest",
        )  # fmt: skip

    @contextmanager
    def running(self, plan: BridgePlan) -> Iterator[Bridge]:
        bridge = Bridge(plan)
        bridge.start()
        try:
            yield bridge
        finally:
            assert bridge.stop()

    def read(self, topic: str, *, partitions: int = 2) -> list:
        """Every committed record up to the last stable offset, by partition, then offset."""
        reader = Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": "lab", "auto.offset.reset": "earliest",
            "isolation.level": "read_committed", "enable.partition.eof": True,
        })  # fmt: skip
        try:
            reader.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
            found, ended = [], set()
            deadline = time.monotonic() + DEADLINE_S
            while len(ended) < partitions:
                assert time.monotonic() < deadline, f"{topic} has no end"
                for message in reader.consume(100, 0.05):
                    if message.error() is None:
                        found.append(message)
                    else:
                        ended.add(message.partition())
        finally:
            reader.close()
        return sorted(found, key=lambda m: (m.partition(), m.offset()))

    def open_transaction(self, topic: str, *, partitions: int = 2) -> bool:
        """Whether some partition has records behind its last stable offset."""
        ends = []
        for isolation in ("read_committed", "read_uncommitted"):
            reader = Consumer({
                "bootstrap.servers": self.bootstrap, "group.id": "lab", "isolation.level": isolation,
            })  # fmt: skip
            places = [TopicPartition(topic, number) for number in range(partitions)]
            ends.append([reader.get_watermark_offsets(place, 5.0)[1] for place in places])
            reader.close()
        return ends[0] != ends[1]


def carry(session: MirrorSession, records: int) -> None:
    """Copy and commit until `records` more are on the target."""
    done, deadline = 0, time.monotonic() + DEADLINE_S
    while done < records:
        assert time.monotonic() < deadline, f"{done} of {records} copied"
        if fetched := session.fetch(1000):
            session.copy(None)
            session.commit()
            done += fetched
