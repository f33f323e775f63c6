"""The one home of confluent_kafka here: both ends of every partition of a broker, from outside."""

from concurrent.futures import Future
from typing import Protocol, cast

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    OffsetSpec,  # pyright: ignore[reportPrivateImportUsage] - documented, only not re-exported
)

from chaos.decide import Ends, Offsets, Partition

REQUEST_S = 5.0


class OffsetsError(Exception):
    """The broker did not say where its partitions end."""


class _End(Protocol):
    offset: int


class _ListsOffsets(Protocol):
    """What `AdminClient.list_offsets` is, as its documentation says; its own types leave the result open."""

    def list_offsets(
        self,
        topic_partition_offsets: dict[TopicPartition, object],
        *,
        isolation_level: IsolationLevel,
        request_timeout: float,
    ) -> dict[TopicPartition, Future[_End]]: ...


class Watermarks:
    """Reads a broker's partitions; internal topics are left out."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        # librdkafka would tell stderr of every lost connection; here a dead broker is the expected case
        self._admin = AdminClient(
            {"bootstrap.servers": bootstrap, "broker.address.family": "v4", "log_level": 0}
        )
        self._partitions: tuple[Partition, ...] = ()

    def refresh(self) -> None:
        """Learn which partitions there are. Raises `OffsetsError`."""
        try:
            topics = self._admin.list_topics(timeout=REQUEST_S).topics
        except KafkaException as error:
            raise OffsetsError(f"kafka {self._bootstrap}: expected a broker") from error
        self._partitions = tuple(
            (name, partition)
            for name, topic in sorted(topics.items())
            if not name.startswith("__")
            for partition in sorted(topic.partitions)
        )

    def read(self) -> Offsets:
        """Both ends now. The high end is read first, so a stable end below it was below it then. Raises `OffsetsError`."""
        high = self._ends(IsolationLevel.READ_UNCOMMITTED)
        stable = self._ends(IsolationLevel.READ_COMMITTED)
        return {at: Ends(stable=stable[at], high=high[at]) for at in high}

    def _ends(self, isolation: IsolationLevel) -> dict[Partition, int]:
        if not self._partitions:
            return {}
        wanted: dict[TopicPartition, object] = {
            TopicPartition(*at): OffsetSpec.latest() for at in self._partitions
        }
        asked = cast("_ListsOffsets", self._admin).list_offsets(
            wanted, isolation_level=isolation, request_timeout=REQUEST_S
        )
        try:
            return {(at.topic, at.partition): end.result().offset for at, end in asked.items()}
        except KafkaException as error:
            raise OffsetsError(f"kafka {self._bootstrap}: expected its offsets") from error
