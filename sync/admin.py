"""One Kafka cluster as an administrator sees it: topics by id, watermarks, limits, creation.

Adapter. Every call is bounded: a black-holed link must not hold a slice longer than a retry.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Protocol, TypeVar, cast

import msgspec
from confluent_kafka import IsolationLevel, KafkaException, TopicCollection, TopicPartition
from confluent_kafka import admin as kafka_admin

from sync.clients import Brokers, Config, admin_config, kafka_error, raising

CALL_S = 2.0
"""Longer than a broker's worst pause seen on two busy cores (0.8 s); a cut link costs one such wait."""

CREATE_S = 10.0
"""Creation waits for the controller; it happens once."""

_Result = TypeVar("_Result")

_ABSENT = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"})


class TopicInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as it is now."""

    id: str
    partitions: int


class _Description(Protocol):
    topic_id: object
    partitions: list[object]


class _Offset(Protocol):
    offset: int


class _Entry(Protocol):
    value: str


class _Library(Protocol):
    """The part of `AdminClient` used here; the library types its futures' results as unknown."""

    def describe_topics(
        self, topics: TopicCollection, *, request_timeout: float
    ) -> dict[str, Future[_Description]]: ...

    def list_offsets(
        self,
        wanted: dict[TopicPartition, object],
        *,
        isolation_level: IsolationLevel,
        request_timeout: float,
    ) -> dict[TopicPartition, Future[_Offset]]: ...

    def create_topics(
        self, topics: list[object], *, request_timeout: float
    ) -> dict[str, Future[None]]: ...

    def create_partitions(
        self, growth: list[object], *, request_timeout: float
    ) -> dict[str, Future[None]]: ...

    def describe_configs(
        self, resources: list[object], *, request_timeout: float
    ) -> dict[object, Future[Mapping[str, _Entry]]]: ...

    def poll(self, timeout: float) -> int: ...


class _Names(Protocol):
    """What the library's `admin` package offers under names it does not declare as exported."""

    AdminClient: Callable[[Config], _Library]
    ConfigResource: Callable[[object, str], object]
    NewPartitions: Callable[[str, int], object]
    NewTopic: Callable[..., object]
    OffsetSpec: "_Specs"
    ResourceType: "_Kinds"


class _Specs(Protocol):
    def earliest(self) -> object: ...
    def latest(self) -> object: ...


class _Kinds(Protocol):
    TOPIC: object


_admin = cast("_Names", cast("object", kafka_admin))


class Cluster:
    """A cluster's administrator: one connection, shared by the slices of a link."""

    def __init__(self, brokers: Brokers, *, client_id: str) -> None:
        self.brokers = brokers
        self._client = _admin.AdminClient(admin_config(brokers, client_id=client_id))

    def describe(self, topic: str) -> TopicInfo | None:
        """The topic's id and partition count, or None while there is no such topic."""
        with raising(f"{self.brokers.name}: describe {topic}"):
            try:
                futures = self._client.describe_topics(
                    TopicCollection([topic]), request_timeout=CALL_S
                )
                found = _result(futures[topic])
            except KafkaException as error:
                if kafka_error(error).name() in _ABSENT:
                    return None
                raise
        return TopicInfo(id=str(found.topic_id), partitions=len(found.partitions))

    def watermarks(self, topic: str, partitions: Iterable[int]) -> dict[int, tuple[int, int]]:
        """Low and high watermark by partition, open transactions included (read_uncommitted)."""
        wanted = [TopicPartition(topic, number) for number in partitions]
        low = self._offsets(wanted, _admin.OffsetSpec.earliest())
        high = self._offsets(wanted, _admin.OffsetSpec.latest())
        return {number: (low[number], high[number]) for number in low}

    def _offsets(self, wanted: list[TopicPartition], spec: object) -> dict[int, int]:
        with raising(f"{self.brokers.name}: watermarks"):
            futures = self._client.list_offsets(
                dict.fromkeys(wanted, spec),
                isolation_level=IsolationLevel.READ_UNCOMMITTED,
                request_timeout=CALL_S,
            )
            return {place.partition: _result(future).offset for place, future in futures.items()}

    def ensure(self, topic: str, *, partitions: int, config: Mapping[str, str]) -> TopicInfo:
        """The topic: created if it is not there, grown if it has fewer than `partitions`."""
        found = self.describe(topic)
        if found is None:
            self._create(topic, partitions=partitions, config=config)
        elif found.partitions < partitions:
            with raising(f"{self.brokers.name}: add partitions to {topic}"):
                grow = [_admin.NewPartitions(topic, partitions)]
                _result(self._client.create_partitions(grow, request_timeout=CREATE_S)[topic])
        else:
            return found
        return self._appear(topic, partitions)

    def _create(self, topic: str, *, partitions: int, config: Mapping[str, str]) -> None:
        new = _admin.NewTopic(
            topic, num_partitions=partitions, replication_factor=-1, config=dict(config)
        )
        with raising(f"{self.brokers.name}: create {topic}"):
            try:
                _result(self._client.create_topics([new], request_timeout=CREATE_S)[topic])
            except KafkaException as error:
                if kafka_error(error).name() != "TOPIC_ALREADY_EXISTS":
                    raise

    def _appear(self, topic: str, partitions: int) -> TopicInfo:
        """A created topic reaches the broker's metadata a moment after the answer (5 s at most)."""
        with raising(f"{self.brokers.name}: {topic} after its creation"):
            for _ in range(100):
                found = self.describe(topic)
                if found is not None and found.partitions >= partitions:
                    return found
                self._client.poll(0.05)
            raise TimeoutError

    def batch_bytes_max(self, topic: str) -> int:
        """The topic's `max.message.bytes`: the largest record batch it takes."""
        resource = _admin.ConfigResource(_admin.ResourceType.TOPIC, topic)
        with raising(f"{self.brokers.name}: configuration of {topic}"):
            future = self._client.describe_configs([resource], request_timeout=CALL_S)[resource]
            entries = _result(future)
        return int(entries["max.message.bytes"].value)


def _result(future: Future[_Result]) -> _Result:
    return future.result(timeout=CREATE_S + CALL_S)
