"""What must stand before a topic's slices start: topics on the target, and the recorded plan.

Adapter. Nothing that was recorded is ever re-created: a target or progress topic that is gone, or is another
one under the same name, stops the link, since its progress is gone with it.
"""

from typing import NamedTuple

from policy.model import StreamRule
from sync.admin import Cluster, TopicInfo
from sync.batch import Disposition
from sync.faults import ReplicationError
from sync.plan import (
    TopicPlan,
    dead_letter_topic,
    grown,
    plan_topic,
    progress_topic,
    slices_at_creation,
)
from sync.registry import COMPACT, Registry

KEEP_TIMESTAMPS = {
    "message.timestamp.type": "CreateTime",
    "message.timestamp.after.max.ms": str(
        2**63 - 1
    ),  # Kafka's default refuses clocks an hour ahead
}
DEAD_LETTERS = KEEP_TIMESTAMPS | {"max.message.bytes": str(32 * 1024 * 1024)}


class Link(NamedTuple):
    """A link's two clusters and its registry."""

    name: str
    source: Cluster
    target: Cluster
    registry: Registry


def establish(link: Link, stream: StreamRule, *, slices_max: int) -> TopicPlan:
    """The recorded plan of `stream`, created, grown or settled first where that is due."""
    source = link.source.describe(stream.topic)
    if source is None:
        raise ReplicationError(Disposition.RENEW, f"{stream.topic}: no such topic on the source")
    link.target.ensure(plan_topic(link.name), partitions=1, config=COMPACT)
    link.target.ensure(dead_letter_topic(link.name), partitions=1, config=DEAD_LETTERS)
    plan = link.registry.read(stream.topic)
    if plan is None:
        plan = _create(link, stream, source=source, slices_max=slices_max)
    _check_target(link, plan, stream)
    if source.id == plan.source_id and source.partitions > plan.partitions:
        plan = _grow(link, plan, source.partitions)
    if plan.pending:
        plan = link.registry.settle(plan)
    return plan


def _create(link: Link, stream: StreamRule, *, source: TopicInfo, slices_max: int) -> TopicPlan:
    target = link.target.ensure(
        stream.target_topic, partitions=source.partitions, config=KEEP_TIMESTAMPS
    )
    progress = link.target.ensure(
        progress_topic(link.name, stream.topic), partitions=source.partitions, config=COMPACT
    )
    marks = link.source.watermarks(stream.topic, range(source.partitions))
    slices = slices_at_creation(source.partitions, slices_max)
    fresh = TopicPlan(
        topic=stream.topic,
        target=stream.target_topic,
        source_id=source.id,
        target_id=target.id,
        progress_id=progress.id,
        starts=tuple(marks[number][0] for number in range(source.partitions)),
        slices=slices,
        slices_ever=slices,
    )
    return link.registry.update(stream.topic, lambda before: before or fresh)


def _check_target(link: Link, plan: TopicPlan, stream: StreamRule) -> None:
    if plan.target != stream.target_topic:
        raise ReplicationError(
            Disposition.STOP,
            f"target-renamed: {plan.topic} is copied to {plan.target}, the policy says {stream.target_topic}",
        )
    known = {plan.target: plan.target_id, progress_topic(link.name, plan.topic): plan.progress_id}
    for topic, topic_id in known.items():
        found = link.target.describe(topic)
        if found is None or found.id != topic_id:
            raise ReplicationError(
                Disposition.STOP, f"topic-recreated: {topic} on the target is not the recorded one"
            )


def _grow(link: Link, plan: TopicPlan, partitions: int) -> TopicPlan:
    """Partitions are created on the target before the record says that they are carried."""
    link.target.ensure(plan.target, partitions=partitions, config={})
    link.target.ensure(progress_topic(link.name, plan.topic), partitions=partitions, config={})
    return link.registry.update(plan.topic, lambda before: grown(before or plan, partitions))
