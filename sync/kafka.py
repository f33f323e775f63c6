"""The bridge's Kafka ends: a target that commits records and progress as one, a source that never skips.

Adapter. `Target` and `Source` are the ports; the exactly-once and the plain target (negative control) differ
only here. Nothing decides here: errors leave as `ReplicationError` with what they call for.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Protocol, cast

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from sync.admin import Cluster
from sync.batch import Disposition
from sync.clients import (
    Brokers,
    consumer_config,
    kafka_error,
    raising,
    replication_error,
    transactional_config,
)
from sync.faults import ReplicationError
from sync.progress import Catchup

POLL_S = 0.1
"""An idle slice looks up ten times a second whether it is to stop; a record ends the wait at once."""

INIT_S = 15.0
"""Fencing waits for the coordinator to end the predecessor's transaction: within its transaction timeout."""

CATCHUP_S = 30.0
"""Another writer's open transaction may hide progress for its transaction timeout; then the start is retried."""

Send = Callable[..., None]


class Target(Protocol):
    """Where records and progress go."""

    def open(self) -> None:
        """Fence every predecessor of the same id."""
        ...

    def begin(self) -> Send:
        """Start a batch; the answer is the library's `produce`, called once per record."""
        ...

    def commit(self, topic: str, progress: Mapping[int, tuple[bytes, bytes]]) -> None:
        """Commit the batch together with `progress`: partition to key and value."""
        ...

    def close(self) -> None:
        """Let go, whatever state it is in; never raises."""
        ...


class TransactionalTarget:
    """Exactly once: one transaction per batch under a fixed transactional id."""

    def __init__(
        self, brokers: Brokers, *, transactional_id: str, size_max: int, timeout_ms: int
    ) -> None:
        self._config = transactional_config(
            brokers, transactional_id=transactional_id, size_max=size_max, timeout_ms=timeout_ms
        )
        self._config["on_delivery"] = self._on_delivery  # only failures are reported
        self._producer: Producer | None = None
        self._failed: list[str] = []

    def _on_delivery(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed.append(error.name())

    def open(self) -> None:
        """Fence every predecessor of the same id and end its transaction."""
        with raising("init transactions"):
            self._producer = Producer(self._config)
            self._producer.init_transactions(INIT_S)

    def begin(self) -> Send:
        """Start a transaction."""
        self._failed.clear()
        with self._raising("begin"):
            self._live().begin_transaction()
        return self._live().produce

    def commit(self, topic: str, progress: Mapping[int, tuple[bytes, bytes]]) -> None:
        """Commit records and progress in one transaction; an error here is indefinite."""
        producer = self._live()
        with self._raising("commit"):
            for partition, (key, value) in progress.items():
                producer.produce(topic, value, key, partition)
            producer.commit_transaction()

    def close(self) -> None:
        """Let go; an open transaction is ended by the next holder of the id."""
        producer, self._producer = self._producer, None
        discard(producer)

    def _live(self) -> Producer:
        if self._producer is None:
            raise ReplicationError(Disposition.RENEW, "the target is not open")
        return self._producer

    @contextlib.contextmanager
    def _raising(self, doing: str) -> Generator[None]:
        try:
            yield
        except KafkaException as error:
            raise replication_error(
                kafka_error(error), doing=doing, deliveries=self._failed
            ) from error


def discard(producer: Producer | None) -> None:
    """Drop what is queued, so that destroying the client does not wait for a broker that is gone."""
    if producer is not None:
        with contextlib.suppress(KafkaException):
            producer.purge()


class Source:
    """Fixed partitions from fixed offsets; a gap, a truncation or a lost topic is an error, never a skip."""

    def __init__(self, brokers: Brokers, *, client_id: str, topic: str) -> None:
        self._config = consumer_config(brokers, client_id=client_id)
        self._topic = topic
        self._consumer: Consumer | None = None
        self._ends: dict[int, int] = {}

    def open(self, starts: Mapping[int, int]) -> None:
        """Read from `starts`, partition to offset."""
        self._ends.clear()
        places = [TopicPartition(self._topic, number, at) for number, at in starts.items()]
        with raising("assign"):
            self._consumer = Consumer(self._config)
            self._consumer.assign(places)

    def fetch(self, records_max: int) -> list[Message]:
        """What is there, waiting up to `POLL_S` for the first record."""
        consumer = self._consumer
        if consumer is None:
            raise ReplicationError(Disposition.RENEW, "the source is not open")
        with raising("fetch"):
            messages = consumer.consume(1, POLL_S)
            if messages and records_max > 1:
                messages += consumer.consume(records_max - 1, 0)
        if any(message.error() is not None for message in messages):
            return self._sorted_out(messages)
        return messages

    def _sorted_out(self, messages: list[Message]) -> list[Message]:
        """The records among `messages`; ends are noted, any other error is raised."""
        records: list[Message] = []
        for message in messages:
            error = message.error()
            if error is None:
                records.append(message)
            elif _is_end(error):
                self._ends[cast("int", message.partition())] = cast("int", message.offset())
            else:
                raise replication_error(error, doing=f"fetch {self._topic}/{message.partition()}")
        return records

    def lag_records(self, positions: Mapping[int, int]) -> int:
        """Records between `positions` and the high watermarks of the last fetch; costs no request."""
        consumer = self._consumer
        if consumer is None:
            return 0
        lag = 0
        for partition, position in positions.items():
            place = TopicPartition(self._topic, partition)
            _, high = consumer.get_watermark_offsets(place, cached=True)
            lag += max(0, high - max(position, self._ends.get(partition, 0)))
        return lag

    def close(self) -> None:
        """Let go; never raises."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(KafkaException, RuntimeError):
                consumer.close()


def _is_end(error: KafkaError) -> bool:
    return error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001  # the library's name for it


def read_committed(
    cluster: Cluster, topic: str, *, partitions: tuple[int, ...], stop: threading.Event
) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Partition, key and value of every committed record up to the high watermark as it is now.

    Not up to end-of-file: another writer's open transaction ends the file early and hides later commits.
    """
    marks = cluster.watermarks(topic, partitions)
    catchup = Catchup(
        {number: high for number, (_, high) in marks.items()},
        {number: low for number, (low, _) in marks.items()},
    )
    if catchup.done:
        return
    config = consumer_config(cluster.brokers, client_id=f"{topic}-start")
    config["fetch.wait.max.ms"] = 10
    consumer = Consumer(config)
    try:
        consumer.assign(
            # Explicit offsets: the library takes half a second to look "beginning" up.
            [TopicPartition(topic, number, marks[number][0]) for number in catchup.partitions]
        )
        yield from _read_to(consumer, topic, catchup=catchup, stop=stop)
    finally:
        consumer.close()


def _read_to(
    consumer: Consumer, topic: str, *, catchup: Catchup, stop: threading.Event
) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    deadline_s = time.monotonic() + CATCHUP_S
    while not catchup.done:
        if stop.is_set():
            raise ReplicationError(Disposition.RENEW, "asked to stop")
        if time.monotonic() > deadline_s:
            raise ReplicationError(
                Disposition.RENEW, f"{topic}: an open transaction hides committed progress"
            )
        for message in consumer.consume(1, POLL_S) + consumer.consume(1000, 0):
            partition, offset = cast("int", message.partition()), cast("int", message.offset())
            error = message.error()
            if error is None:
                catchup.on_position(partition, offset + 1)
                yield partition, message.key(), message.value()
            elif _is_end(error):
                catchup.on_position(partition, offset)
            else:
                raise replication_error(error, doing=f"read {topic}/{partition}")
