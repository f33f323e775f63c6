"""The negative control's target: records and progress committed apart, as at-least-once replicators do.

Adapter. A kill between the two makes duplicates, which `verify` must find; nothing else uses this.
"""

import contextlib
import time
from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from sync.batch import Disposition
from sync.clients import Brokers, producer_config, raising
from sync.faults import ReplicationError
from sync.kafka import Send, discard

FLUSH_S = 15.0

PLAIN_COMMIT_S = 1.0
PLAIN_COMMIT_RECORDS = 2000
"""Far apart enough that a kill while records flow finds records without progress."""


class PlainTarget:
    """Negative control: records are flushed, progress follows now and then. A kill in between duplicates."""

    def __init__(self, brokers: Brokers, *, client_id: str, size_max: int) -> None:
        self._config = producer_config(brokers, client_id=client_id, size_max=size_max)
        self._producer: Producer | None = None
        self._topic = ""
        self._progress: dict[int, tuple[bytes, bytes]] = {}
        self._batches_records = 0
        self._committed_s = 0.0
        self._failed: list[str] = []

    def open(self) -> None:
        """Connect; nobody is fenced."""
        self._config["on_delivery"] = self._on_delivery
        self._committed_s = time.monotonic()
        with raising("connect"):
            self._producer = Producer(self._config)

    def _on_delivery(self, error: KafkaError | None, _message: Message) -> None:
        self._batches_records += 1
        if error is not None:
            self._failed.append(error.name())

    def begin(self) -> Send:
        """Start a batch."""
        self._failed.clear()
        return self._live().produce

    def commit(self, topic: str, progress: Mapping[int, tuple[bytes, bytes]]) -> None:
        """Flush the batch; progress is only written every second or 2,000 records."""
        self._flush()
        self._topic = topic
        self._progress.update(progress)
        due = time.monotonic() - self._committed_s >= PLAIN_COMMIT_S
        if due or self._batches_records >= PLAIN_COMMIT_RECORDS:
            self._write_progress()

    def _flush(self) -> None:
        with raising("flush"):
            if self._live().flush(FLUSH_S):
                raise TimeoutError
        if self._failed:
            raise ReplicationError(Disposition.RENEW, f"flush: {self._failed[0]}")

    def _write_progress(self) -> None:
        for partition, (key, value) in self._progress.items():
            self._live().produce(self._topic, value, key, partition)
        self._flush()
        self._progress.clear()
        self._batches_records = 0
        self._committed_s = time.monotonic()

    def close(self) -> None:
        """Write what progress there is, as a clean shutdown does."""
        with contextlib.suppress(ReplicationError, KafkaException):
            if self._producer is not None and self._progress:
                self._write_progress()
        producer, self._producer = self._producer, None
        discard(producer)

    def _live(self) -> Producer:
        if self._producer is None:
            raise ReplicationError(Disposition.RENEW, "the target is not open")
        return self._producer
