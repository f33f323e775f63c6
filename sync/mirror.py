"""One slice's session: from the fence, through progress and start offsets, to batches copied byte for byte.

Adapter; the order of `open` is the protocol. The hot loop hands each record's own key, value, headers,
timestamp and partition to `produce` and touches nothing else.
"""

import threading
from collections.abc import Mapping
from typing import NamedTuple, cast

import msgspec
from confluent_kafka import KafkaException, Message

from sync.admin import Cluster
from sync.batch import Coordinate, Disposition
from sync.clients import kafka_error, replication_error
from sync.envelope import Headers, Origin, dead_letter_headers, record_bytes
from sync.faults import Alarm, ReplicationError
from sync.kafka import Send, Source, Target, read_committed
from sync.plan import TopicPlan, dead_letter_topic, progress_topic
from sync.progress import Progress, StopLoudly, decode, encode, start_of
from sync.progress import Source as SourceNow
from sync.setup import Link

NEAR_LIMIT_BYTES = 65_536
"""Only a record whose value comes this close to the target's limit is measured exactly."""


class Slice(NamedTuple):
    """What one slice copies; `partitions` are its own, `batch_bytes_max` is the target topic's limit."""

    plan: TopicPlan
    partitions: tuple[int, ...]
    batch_bytes_max: int
    policy: str


class Ends(NamedTuple):
    """Where a slice writes and reads."""

    target: Target
    source: Source


class MirrorSession:
    """The mirror's side of the batch loop."""

    def __init__(
        self, link: Link, slice_: Slice, *, ends: Ends, alarm: Alarm, stop: threading.Event
    ) -> None:
        self._link = link
        self._slice = slice_
        self._target, self._source = ends
        self._alarm = alarm
        self._stop = stop
        self._progress_topic = progress_topic(link.name, slice_.plan.topic)
        self._dead_letters = dead_letter_topic(link.name)
        self._next: dict[int, int] = {}
        self._batch: list[Message] = []
        self._reached: dict[int, int] = {}
        self._refused = 0
        self.dead_letters = 0

    @property
    def only(self) -> Coordinate | None:
        """The batch's one record, if it has exactly one."""
        return _coordinate(self._batch[0]) if len(self._batch) == 1 else None

    @property
    def lag_records(self) -> int:
        """Records the source has beyond what is committed."""
        return self._source.lag_records(self._next)

    def open(self) -> None:
        """Fence first; what is read afterwards no predecessor can change any more."""
        self._batch = []
        self._target.open()
        self._check_plan()
        self._next = self._starts()
        self._source.open(self._next)

    def _check_plan(self) -> None:
        plan = self._slice.plan
        now = self._link.registry.read(plan.topic)
        if now is None or now.pending or now.slices != plan.slices:
            raise ReplicationError(
                Disposition.STOP, f"resized: {plan.topic} has another slice count now: restart"
            )

    def _starts(self) -> dict[int, int]:
        plan, progress = self._slice.plan, self._newest_progress()
        for number, found in progress.items():
            if found.source_id != plan.source_id:
                raise ReplicationError(
                    Disposition.STOP,
                    f"{plan.topic}: topic-recreated: progress of partition {number} is another topic's",
                )
        starts = {
            number: progress[number].next if number in progress else plan.starts[number]
            for number in self._slice.partitions
        }
        self._judge(starts)
        return starts

    def _judge(self, offsets: Mapping[int, int]) -> None:
        """Raise the reason why copying on from `offsets` would skip or repeat, if there is one."""
        plan, source = self._slice.plan, self._source_now(self._link.source)
        for number, offset in offsets.items():
            verdict = start_of(
                partition=number, offset=offset, copied_id=plan.source_id, source=source[number]
            )
            if isinstance(verdict, StopLoudly):
                raise ReplicationError(Disposition.STOP, f"{plan.topic}: {verdict.reason}")

    def _newest_progress(self) -> Mapping[int, Progress]:
        committed = read_committed(
            self._link.target,
            self._progress_topic,
            partitions=self._slice.partitions,
            stop=self._stop,
        )
        newest = {partition: value for partition, _, value in committed if value is not None}
        try:
            return {partition: decode(value) for partition, value in newest.items()}
        except msgspec.MsgspecError as error:
            raise ReplicationError(
                Disposition.STOP, f"progress-unreadable: {self._progress_topic}: {error}"
            ) from error

    def _source_now(self, source: Cluster) -> Mapping[int, SourceNow]:
        topic = self._slice.plan.topic
        found = source.describe(topic)
        if found is None:
            raise ReplicationError(Disposition.RENEW, f"{topic}: no such topic on the source")
        marks = source.watermarks(topic, self._slice.partitions)
        return {
            number: SourceNow(topic_id=found.id, low=low, high=high)
            for number, (low, high) in marks.items()
        }

    def fetch(self, records_max: int) -> int:
        """The next batch's size; 0 when there is nothing."""
        self._alarm.raise_seen()
        try:
            self._batch = self._source.fetch(records_max)
        except ReplicationError as error:
            raise self._named(error) from error
        return len(self._batch)

    def _named(self, error: ReplicationError) -> ReplicationError:
        """What lies behind "offset out of range", if the source can be asked."""
        if error.disposition is Disposition.STOP:
            try:
                self._judge(self._next)
            except ReplicationError as judged:
                return judged if judged.disposition is Disposition.STOP else error
        return error

    def copy(self, condemned: Coordinate | None) -> None:
        """Write the batch; one that the target surely refuses, or `condemned`, to the dead letters."""
        self._refused = 0
        send = self._target.begin()
        try:
            self._reached = self._send_all(send, condemned)
        except KafkaException as error:
            raise replication_error(kafka_error(error), doing="produce") from error
        except BufferError as error:
            raise ReplicationError(Disposition.RENEW, f"produce: queue full: {error}") from error

    def _send_all(self, send: Send, condemned: Coordinate | None) -> dict[int, int]:
        target, near = self._slice.plan.target, self._slice.batch_bytes_max - NEAR_LIMIT_BYTES
        reached: dict[int, int] = {}
        for message in self._batch:
            partition, offset = cast("Coordinate", (message.partition(), message.offset()))
            if condemned == (partition, offset):
                self._condemn(send, message, "refused-by-target")
            elif len(message) > near and self._oversize(message):
                self._condemn(send, message, "oversize")
            else:
                send(
                    target,
                    message.value(),
                    message.key(),
                    partition,
                    timestamp=message.timestamp()[1],
                    headers=message.headers(),
                )
            reached[partition] = offset
        return reached

    def _oversize(self, message: Message) -> bool:
        size = record_bytes(
            key=message.key(),
            value=message.value(),
            headers=cast("Headers | None", message.headers()),
        )
        return size > self._slice.batch_bytes_max

    def _condemn(self, send: Send, message: Message, reason: str) -> None:
        partition, offset = _coordinate(message)
        origin = Origin(
            topic=self._slice.plan.topic,
            partition=partition,
            offset=offset,
            timestamp_ms=message.timestamp()[1],
            reason=reason,
            policy=self._slice.policy,
        )
        headers = dead_letter_headers(cast("Headers | None", message.headers()), origin)
        send(self._dead_letters, message.value(), message.key(), 0, headers=headers)
        self._refused += 1

    def commit(self) -> None:
        """Commit records, dead letters and progress as one."""
        plan = self._slice.plan
        records = {
            partition: (
                f"{plan.topic}/{partition}".encode(),
                encode(
                    Progress(
                        topic=plan.topic,
                        partition=partition,
                        first=self._next[partition],
                        next=last + 1,
                        source_id=plan.source_id,
                        policy=self._slice.policy,
                    )
                ),
            )
            for partition, last in self._reached.items()
        }
        self._target.commit(self._progress_topic, records)
        self._next |= {partition: last + 1 for partition, last in self._reached.items()}
        self.dead_letters += self._refused

    def close(self) -> None:
        """Let go of both ends."""
        self._target.close()
        self._source.close()


def _coordinate(message: Message) -> Coordinate:
    return cast("Coordinate", (message.partition(), message.offset()))
