"""The record of what a link carries and in how many slices, kept on the target beside the progress.

Adapter. Writers are serialised by one transactional id per link: a second writer fences the first, so that
two bridges started at once agree on one record.
"""

import threading
from collections.abc import Callable, Iterable

import msgspec

from sync.admin import Cluster
from sync.batch import Disposition
from sync.faults import ReplicationError
from sync.kafka import TransactionalTarget, read_committed
from sync.plan import TopicPlan, ids_to_fence, plan_topic, resized, settled

COMPACT = {"cleanup.policy": "compact", "segment.bytes": "1048576"}
"""Small segments: only closed ones are compacted, and a start reads the topic from its beginning."""


class Registry:
    """The `TopicPlan` records of one link."""

    def __init__(
        self, target: Cluster, link: str, *, transaction_timeout_ms: int, stop: threading.Event
    ) -> None:
        self.link = link
        self._target = target
        self._timeout_ms = transaction_timeout_ms
        self._stop = stop
        self._topic = plan_topic(link)

    def read(self, topic: str) -> TopicPlan | None:
        """The newest committed record of `topic`."""
        newest = None
        for _, key, value in read_committed(
            self._target, self._topic, partitions=(0,), stop=self._stop
        ):
            if key == topic.encode() and value is not None:
                newest = value
        return None if newest is None else _decode(topic, newest)

    def update(self, topic: str, decide: Callable[[TopicPlan | None], TopicPlan]) -> TopicPlan:
        """Write what `decide` makes of the record as it is, with every other writer fenced."""
        self._target.ensure(self._topic, partitions=1, config=COMPACT)
        writer = self._holder(f"{self.link}/meta")
        try:
            writer.open()
            before = self.read(topic)
            after = decide(before)
            if after != before:
                writer.begin()
                record = (topic.encode(), msgspec.json.encode(after))
                writer.commit(self._topic, {0: record})
            return after
        finally:
            writer.close()

    def fence(self, ids: Iterable[str]) -> None:
        """End every transaction of `ids`, and every writer that holds one of them."""
        for transactional_id in ids:
            holder = self._holder(transactional_id)
            try:
                holder.open()
            finally:
                holder.close()

    def resize(self, topic: str, slices: int) -> TopicPlan:
        """Change the slice count; no slice may be running (one that is will be fenced)."""
        plan = self.update(topic, lambda before: resized(_known(topic, before), slices))
        return self.settle(plan)

    def settle(self, plan: TopicPlan) -> TopicPlan:
        """Finish a change of the slice count: fence all ids there ever were, then say so."""
        self.fence(ids_to_fence(self.link, plan))
        return self.update(plan.topic, lambda before: settled(_known(plan.topic, before)))

    def _holder(self, transactional_id: str) -> TransactionalTarget:
        return TransactionalTarget(
            self._target.brokers,
            transactional_id=transactional_id,
            size_max=1_000_000,
            timeout_ms=self._timeout_ms,
        )


def _decode(topic: str, value: bytes) -> TopicPlan:
    try:
        return msgspec.json.decode(value, type=TopicPlan)
    except msgspec.MsgspecError as error:
        raise ReplicationError(
            Disposition.STOP, f"plan-unreadable: {topic}: {error}; written by another version?"
        ) from error


def _known(topic: str, plan: TopicPlan | None) -> TopicPlan:
    if plan is None:
        raise ReplicationError(Disposition.STOP, f"{topic}: no plan is recorded; start it first")
    return plan
