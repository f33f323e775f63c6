"""Where a slice starts: the newest committed progress of each partition, judged against the source.

Pure. The rule that end-of-file is not the end: under read_committed a partition seems to end at the first
open transaction, whoever's it is, and progress committed behind it is hidden. So the reader takes the high
watermark as read_uncommitted sees it, and reads committed records until its position is there.
"""

from collections.abc import Mapping

import msgspec

from contracts.base import Contract


class Progress(Contract, frozen=True, kw_only=True):
    """One progress record: source offsets `[first, next)` were committed with it."""

    schema: int = 1
    topic: str
    partition: int
    first: int
    next: int
    source_id: str
    policy: str


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One source partition as its broker shows it now: topic id and watermarks `[low, high]`."""

    topic_id: str
    low: int
    high: int


class StartAt(msgspec.Struct, frozen=True, kw_only=True):
    """Copy from this source offset on."""

    offset: int


class StopLoudly(msgspec.Struct, frozen=True, kw_only=True):
    """Copying on would skip or repeat records: an operator decides."""

    reason: str


def encode(progress: Progress) -> bytes:
    """The value of a progress record."""
    return msgspec.json.encode(progress)


def decode(value: bytes) -> Progress:
    """A progress record's value. Raises `msgspec.MsgspecError` if it is none."""
    return msgspec.json.decode(value, type=Progress)


def start_of(
    *, partition: int, offset: int, copied_id: str, source: Source
) -> StartAt | StopLoudly:
    """The start-offset table: re-created, gap and truncated stop; anything else starts at `offset`.

    `offset` is the partition's progress, or its recorded start; `copied_id` the topic id that was copied
    to get there.
    """
    if source.topic_id != copied_id:
        return StopLoudly(
            reason=f"topic-recreated: partition {partition}: topic id {source.topic_id}, copied from {copied_id}"
        )
    if offset < source.low:
        return StopLoudly(
            reason=f"retention-gap: partition {partition}: offsets {offset} to {source.low - 1} are gone uncopied"
        )
    if offset > source.high:
        return StopLoudly(
            reason=f"truncated: partition {partition}: source ends at {source.high}, copied up to {offset}"
        )
    return StartAt(offset=offset)


class Catchup:
    """Reading committed records of some partitions until each position has reached its high watermark."""

    def __init__(self, high: Mapping[int, int], low: Mapping[int, int]) -> None:
        """Partitions with nothing between their watermarks are done before they start."""
        self._open = {
            partition: end for partition, end in high.items() if end > low.get(partition, 0)
        }

    @property
    def partitions(self) -> tuple[int, ...]:
        """Those still to be read."""
        return tuple(self._open)

    @property
    def done(self) -> bool:
        """Whether every position has reached its watermark."""
        return not self._open

    def on_position(self, partition: int, position: int) -> None:
        """A record was read (its offset + 1) or an end-of-file reported (its offset)."""
        end = self._open.get(partition)
        if end is not None and position >= end:
            del self._open[partition]
