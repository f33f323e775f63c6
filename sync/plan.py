"""Which slice owns which partition, and what everything is called; fixed at creation, recorded on the target.

Pure. A slice's id is its transactional id: moving a slice to another worker never changes it, so the
broker's fencing of that id is what stops a worker that was thought dead.
"""

import msgspec

from contracts.base import Contract


class PlanError(ValueError):
    """A slice plan that cannot be: what was asked and what was expected."""


class TopicPlan(Contract, frozen=True, kw_only=True):
    """What is recorded on the target for one topic of a link, before its first record is copied.

    `starts` are the source's low watermarks at creation, by partition: a partition without progress starts
    there, so records deleted before they were copied are a gap and never a silent skip. `slices_ever` is the
    largest slice count there has been; `pending` is true from the record of a new count until every old and
    new id has been fenced. The ids are Kafka's topic ids.
    """

    schema: int = 1
    topic: str
    target: str
    source_id: str
    target_id: str
    progress_id: str
    starts: tuple[int, ...]
    slices: int
    slices_ever: int
    pending: bool = False

    @property
    def partitions(self) -> int:
        """How many source partitions are carried."""
        return len(self.starts)


def slices_at_creation(partitions: int, slices_max: int) -> int:
    """One slice per partition up to `slices_max`. Raises `PlanError` unless both are at least 1."""
    if partitions < 1 or slices_max < 1:
        raise PlanError(
            f"{partitions} partitions, slices_max {slices_max}: expected at least 1 of each"
        )
    return min(partitions, slices_max)


def partitions_of(slice_no: int, *, partitions: int, slices: int) -> tuple[int, ...]:
    """Partition modulo slices: adding partitions later moves none that exists."""
    if not 0 <= slice_no < slices:
        raise PlanError(f"slice {slice_no} of {slices}: expected 0 to {slices - 1}")
    return tuple(range(slice_no, partitions, slices))


def slice_id(link: str, topic: str, *, slice_no: int) -> str:
    """The transactional id: the unit of fencing."""
    return f"{link}/{topic}/{slice_no}"


def ids_to_fence(link: str, plan: TopicPlan) -> tuple[str, ...]:
    """Every id that may have a writer left when the slice count changed: all that ever were."""
    return tuple(
        slice_id(link, plan.topic, slice_no=number)
        for number in range(max(plan.slices, plan.slices_ever))
    )


def resized(plan: TopicPlan, slices: int) -> TopicPlan:
    """The record to write *before* the old and new ids are fenced.

    A worker initialises its id and reads this record afterwards. Either that happened before the fencing,
    and its id is fenced, or after, and it reads the new count: no worker of the old count is left writing.
    """
    if not 1 <= slices <= plan.partitions:
        raise PlanError(f"{plan.topic}: {slices} slices: expected 1 to {plan.partitions}")
    return msgspec.structs.replace(
        plan, slices=slices, slices_ever=max(plan.slices_ever, slices), pending=True
    )


def settled(plan: TopicPlan) -> TopicPlan:
    """The record once every old and new id has been fenced."""
    return msgspec.structs.replace(plan, pending=False)


def grown(plan: TopicPlan, partitions: int) -> TopicPlan:
    """The record after the source gained partitions: the new ones start at their first record."""
    return msgspec.structs.replace(
        plan, starts=plan.starts + (0,) * max(0, partitions - plan.partitions)
    )


def progress_topic(link: str, topic: str) -> str:
    """On the target, compacted, one partition per source partition."""
    return f"{link}.{topic}.progress"


def plan_topic(link: str) -> str:
    """On the target, compacted, one partition: the link's `TopicPlan` records by topic."""
    return f"{link}.meta"


def dead_letter_topic(link: str) -> str:
    """On the target: records the target refused, with their source coordinates in headers."""
    return f"{link}.dlq"
