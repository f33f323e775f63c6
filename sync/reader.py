"""The verifier's own eyes: reads topics and the warehouse, sharing no code with the bridge.

Adapter. A topic is read as committed up to the high watermark it had when reading began; a transaction that
stays open below it is an error here, not an end.
"""

import hashlib
import json
import logging
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

import psycopg
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from sync.compare import Columns, Loads, Place, Seen

READ_S = 60.0
"""A verification reads at 100,000 records a second and more; a minute of silence is a fault."""

CALL_S = 5.0
DEAD_LETTER = "isthmus-dlq-"

_COLUMNS = ("event_id", "site", "ad", "campaign", "accepted_ms", "occurred_ms")

_library = logging.getLogger("sync.verify.librdkafka")


class VerifyError(Exception):
    """Nothing could be verified: what could not be read, and why."""


class Cluster(NamedTuple):
    """Where to read: bootstrap list, and further client properties (credentials)."""

    bootstrap: str
    properties: Mapping[str, str]


def read_topic(cluster: Cluster, topic: str, *, since_ms: int) -> dict[int, list[Seen]]:
    """Every committed record with a timestamp of at least `since_ms`, by partition, in order."""
    found: dict[int, list[Seen]] = {}
    for message in _messages(cluster, topic, since_ms=since_ms):
        partition, offset = _place(message)
        digest = _digest(
            message, partition, headers=_headers(message), stamp=message.timestamp()[1]
        )
        found.setdefault(partition, []).append(Seen(offset, digest, _click(message.value())))
    return found


def read_dead_letters(
    cluster: Cluster, dead_letters: str, topic: str, *, since_ms: int
) -> dict[int, dict[int, bytes]]:
    """Digests of `topic`'s dead letters as the source would have them: partition to offset to digest."""
    found: dict[int, dict[int, bytes]] = {}
    for message in _messages(cluster, dead_letters, since_ms=0, absent_ok=True):
        told = {
            name.removeprefix(DEAD_LETTER): (value or b"").decode()
            for name, value in _headers(message)
            if name.startswith(DEAD_LETTER)
        }
        stamp = int(told.get("timestamp-ms", "-1"))
        if told.get("topic") != topic or stamp < since_ms:
            continue
        own = [
            (name, value) for name, value in _headers(message) if not name.startswith(DEAD_LETTER)
        ]
        partition, offset = int(told["partition"]), int(told["offset"])
        digest = _digest(message, partition, headers=own, stamp=stamp)
        found.setdefault(partition, {})[offset] = digest
    return found


def _messages(
    cluster: Cluster, topic: str, *, since_ms: int, absent_ok: bool = False
) -> Iterator[Message]:
    reader = _consumer(cluster, "read_committed")
    marker = _consumer(cluster, "read_uncommitted")
    try:
        partitions = _partitions(marker, topic)
        if not partitions and not absent_ok:
            raise VerifyError(f"{topic}: no such topic at {cluster.bootstrap}")
        ends = _ends(marker, topic, partitions)
        starts = _starts(marker, topic, ends, since_ms=since_ms)
        for message in _read(reader, topic, starts=starts, ends=ends):
            if message.timestamp()[1] >= since_ms:
                yield message
    except KafkaException as error:
        raise VerifyError(f"{topic} at {cluster.bootstrap}: {error}") from error
    finally:
        reader.close()
        marker.close()


def _consumer(cluster: Cluster, isolation: str) -> Consumer:
    return Consumer(
        {
            **cluster.properties,
            "bootstrap.servers": cluster.bootstrap,
            "group.id": "isthmus-verify",
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "check.crcs": True,
            "fetch.wait.max.ms": 20,
            "fetch.message.max.bytes": 8 * 1024 * 1024,
            "log_level": 2,
            "logger": _library,
        }
    )


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    listed = consumer.list_topics(topic, CALL_S).topics[topic]
    return (
        [] if listed.error is not None else sorted(cast("Mapping[int, object]", listed.partitions))
    )


def _ends(consumer: Consumer, topic: str, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
    return {
        number: consumer.get_watermark_offsets(TopicPartition(topic, number), CALL_S)
        for number in partitions
    }


def _starts(
    consumer: Consumer, topic: str, ends: Mapping[int, tuple[int, int]], *, since_ms: int
) -> dict[int, int]:
    """The first offset of each partition that may have a record of `since_ms` or later."""
    if since_ms <= 0:
        return {number: low for number, (low, _) in ends.items()}
    wanted = [TopicPartition(topic, number, since_ms) for number in ends]
    found = consumer.offsets_for_times(wanted, CALL_S)
    return {
        place.partition: place.offset if place.offset >= 0 else ends[place.partition][1]
        for place in found
    }


def _read(
    consumer: Consumer,
    topic: str,
    *,
    starts: Mapping[int, int],
    ends: Mapping[int, tuple[int, int]],
) -> Iterator[Message]:
    unread = {number: high for number, (_, high) in ends.items() if high > starts[number]}
    consumer.assign([TopicPartition(topic, number, starts[number]) for number in unread])
    deadline_s = time.monotonic() + READ_S
    while unread:
        if time.monotonic() > deadline_s:
            raise VerifyError(f"{topic}: an open transaction, or a silent broker, ends the reading")
        for message in consumer.consume(1, 0.1) + consumer.consume(10_000, 0):
            partition, offset = _place(message)
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  # the library's name
                raise VerifyError(f"{topic}/{partition}: {error}")
            end = unread.get(partition)
            if error is None and offset < ends[partition][1]:
                yield message
            if end is not None and offset + (error is None) >= end:
                del unread[partition]


def _place(message: Message) -> Place:
    return cast("Place", (message.partition(), message.offset()))


def _headers(message: Message) -> list[tuple[str, bytes | None]]:
    return cast("list[tuple[str, bytes | None]]", message.headers() or [])


def _digest(
    message: Message, partition: int, *, headers: Sequence[tuple[str, bytes | None]], stamp: int
) -> bytes:
    """A digest of all that must arrive: partition, timestamp, key, value, headers, absent told from empty."""
    digest = hashlib.blake2b(struct.pack(">iq", partition, stamp), digest_size=16)
    parts = [message.key(), message.value()]
    for name, value in headers:
        parts += [name.encode(), value]
    for part in parts:
        digest.update(struct.pack(">q", -1 if part is None else len(part)))
        digest.update(part or b"")
    return digest.digest()


def _click(value: bytes | None) -> Columns | None:
    """The columns of a click, by the standard library's JSON; None if it is none."""
    try:
        event = cast("Mapping[str, object]", json.loads(value or b""))
        return cast("Columns", tuple(event[name] for name in _COLUMNS))
    except (ValueError, KeyError, TypeError):
        return None


def read_loads(dsn: str, topic: str) -> Loads:
    """What the warehouse holds of `topic`."""
    try:
        with psycopg.connect(dsn, connect_timeout=5) as connection:
            rows = connection.execute(
                'select partition, "offset", event_id, site, ad, campaign, accepted_ms, occurred_ms'
                " from events where topic = %s",
                (topic,),
            ).fetchall()
            rejects = connection.execute(
                'select partition, "offset" from quarantine where topic = %s', (topic,)
            ).fetchall()
    except psycopg.Error as error:
        raise VerifyError(f"warehouse: {topic}: {error}") from error
    return Loads(
        rows={(row[0], row[1]): cast("Columns", row[2:]) for row in rows},
        quarantined=frozenset((partition, offset) for partition, offset in rejects),
    )
