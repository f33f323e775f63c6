"""Whom to kill, when a lease is due, whether a transaction is open. Pure: facts in, decision out."""

import math
import random
from collections.abc import Mapping, Sequence

import msgspec

from contracts.fault import Lease

GROUND = 1e-9
"""0.29 * 100 is 28.999…96 in binary; the share asked for is meant in decimal."""


class Victims(msgspec.Struct, frozen=True):
    """The chosen names, in the order of the population."""

    names: tuple[str, ...]


class Refusal(msgspec.Struct, frozen=True):
    """Why nothing is injected."""

    reason: str


def choose_victims(
    population: Sequence[str], *, share: float, seed: int, healthy_min: int
) -> Victims | Refusal:
    """A random sample of `share` of the population, rounded down, at least one.

    Sampled without replacement, so that 3 of 10 are three distinct ones. An empty population is a refusal:
    a fault that hits nobody proves nothing.
    """
    if not 0.0 < share <= 1.0:
        return Refusal(f"share {share:g}: expected more than 0, at most 1")
    if not population:
        return Refusal("no target is running; expected at least one")
    count = max(1, math.floor(share * len(population) + GROUND))
    left = len(population) - count
    if left < healthy_min:
        return Refusal(f"{left} of {len(population)} would stay healthy; expected {healthy_min}")
    chosen = set(random.Random(seed).sample(population, count))
    return Victims(tuple(name for name in population if name in chosen))


def is_due(lease: Lease, *, now_wall_s: float, runner_alive: bool) -> bool:
    """Whether somebody else than the runner has to heal this fault now."""
    return not runner_alive or now_wall_s >= lease.expires_wall_s


Partition = tuple[str, int]


class Ends(msgspec.Struct, frozen=True):
    """A partition's ends: `stable` hides what an open transaction wrote, `high` does not."""

    stable: int
    high: int


Offsets = Mapping[Partition, Ends]


def open_transactions(before: Offsets, now: Offsets) -> tuple[Partition, ...]:
    """Partitions with a transaction open now that began after `before` was read.

    One that already lay open in `before` and did not move may belong to a writer that is long dead: it
    proves nothing about the living one.
    """
    return tuple(
        partition
        for partition, ends in sorted(now.items())
        if ends.stable < ends.high and _moved(before.get(partition), ends)
    )


def _moved(before: Ends | None, now: Ends) -> bool:
    return before is None or before.stable == before.high or now.stable > before.stable


PROGRESS_SUFFIX = ".progress"
"""The bridge's progress topics are named `<link>.<topic>.progress`, its targets `<site>.<topic>`."""


class Advance(msgspec.Struct, frozen=True, kw_only=True):
    """How far a bridge has come on its target broker, summed over partitions: records and progress."""

    records: int
    progress: int


def advance_of(offsets: Offsets) -> Advance:
    """The sums of the high ends of progress topics and of the topics they tell about."""
    topics = {topic for topic, _ in offsets}
    followed = {
        f".{topic.removesuffix(PROGRESS_SUFFIX).partition('.')[2]}"
        for topic in topics
        if topic.endswith(PROGRESS_SUFFIX)
    }
    records = {topic for topic in topics for end in followed if topic.endswith(end)}
    return Advance(
        records=sum(ends.high for (topic, _), ends in offsets.items() if topic in records),
        progress=sum(
            ends.high for (topic, _), ends in offsets.items() if topic.endswith(PROGRESS_SUFFIX)
        ),
    )


def between_records_and_progress(at_progress: Advance, now: Advance) -> bool:
    """Whether records were written since progress last was: a kill now makes an at-least-once writer repeat."""
    return now.progress == at_progress.progress and now.records > at_progress.records
