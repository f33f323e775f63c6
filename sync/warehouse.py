"""The loader's session: records of one topic on the own site's broker become rows, exactly once.

Adapter; driven by the same batch loop as the mirror. Its progress lives in the warehouse itself, so a commit
there is rows and offsets or neither.
"""

from collections.abc import Mapping
from typing import cast

from confluent_kafka import Message

from sync.admin import Cluster, TopicInfo
from sync.batch import Coordinate, Disposition
from sync.clean import Reject, clean
from sync.faults import Alarm, ReplicationError
from sync.kafka import Source
from sync.progress import Source as SourceNow
from sync.progress import StopLoudly, start_of
from sync.store import Held, Loaded, Move, Quarantined, Store


class WarehouseSession:
    """The loader's side of the batch loop, for one topic and all its partitions."""

    def __init__(
        self, topic: str, *, cluster: Cluster, source: Source, store: Store, alarm: Alarm
    ) -> None:
        self._topic = topic
        self._cluster = cluster
        self._source = source
        self._store = store
        self._alarm = alarm
        self._held: Mapping[int, Held] = {}
        self._next: dict[int, int] = {}
        self._batch: list[Message] = []
        self._rows: list[Loaded] = []
        self._rejects: list[Quarantined] = []
        self.topic: TopicInfo | None = None
        self.rows = 0
        self.quarantined = 0

    @property
    def only(self) -> Coordinate | None:
        """The batch's one record, if it has exactly one."""
        return _coordinate(self._batch[0]) if len(self._batch) == 1 else None

    @property
    def lag_records(self) -> int:
        """Records the topic has beyond what is loaded."""
        return self._source.lag_records(self._next)

    def open(self) -> None:
        """Claim the offsets first: from here on no earlier loader can commit."""
        self._batch = []
        found = self._cluster.describe(self._topic)
        if found is None:
            raise ReplicationError(Disposition.RENEW, f"{self._topic}: no such topic yet")
        marks = self._cluster.watermarks(self._topic, range(found.partitions))
        self._store.open()
        self.topic = found
        self._held = self._store.claim(
            self._topic,
            topic_id=found.id,
            starts={number: low for number, (low, _) in marks.items()},
        )
        for number, (low, high) in marks.items():
            self._judge(number, SourceNow(topic_id=found.id, low=low, high=high))
        self._next = {number: held.next for number, held in self._held.items()}
        self._source.open(self._next)

    def _judge(self, partition: int, now: SourceNow) -> None:
        held = self._held[partition]
        verdict = start_of(
            partition=partition, offset=held.next, copied_id=held.topic_id, source=now
        )
        if isinstance(verdict, StopLoudly):
            raise ReplicationError(Disposition.STOP, f"{self._topic}: {verdict.reason}")

    def fetch(self, records_max: int) -> int:
        """The next batch's size; 0 when there is nothing."""
        self._alarm.raise_seen()
        self._batch = self._source.fetch(records_max)
        return len(self._batch)

    def copy(self, condemned: Coordinate | None) -> None:
        """Clean the batch; what is no row, and `condemned`, goes to quarantine."""
        self._rows, self._rejects = [], []
        for message in self._batch:
            partition, offset = _coordinate(message)
            value = message.value()
            row = (
                Reject(reason="refused-by-warehouse")
                if condemned == (partition, offset)
                else clean(value)
            )
            if isinstance(row, Reject):
                self._rejects.append(Quarantined(partition, offset, row.reason, value))
            else:
                self._rows.append(Loaded(partition, offset, row))

    def commit(self) -> None:
        """Rows, quarantine and offsets as one."""
        reached = dict(map(_coordinate, self._batch))
        moves = [
            Move(number, self._next[number], last + 1, self._held[number].epoch)
            for number, last in reached.items()
        ]
        self._store.commit(self._topic, rows=self._rows, rejects=self._rejects, moves=moves)
        self._next |= {number: last + 1 for number, last in reached.items()}
        self.rows += len(self._rows)
        self.quarantined += len(self._rejects)

    def close(self) -> None:
        """Let go of both ends."""
        self._store.close()
        self._source.close()


def _coordinate(message: Message) -> Coordinate:
    return cast("Coordinate", (message.partition(), message.offset()))
