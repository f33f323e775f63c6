"""Does what the source holds stand on the target, in the dead letters and in the warehouse, exactly once?

Shares no code with the bridge's loop: own readers, own comparison; only the settings are read the same way.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from contracts.bridge import BridgeVerify, TopicVerify
from sync.compare import Loads, LoadTally, Seen, Tally, compare_loads, compare_partition, loads_from
from sync.reader import Cluster, VerifyError, read_dead_letters, read_loads, read_topic
from sync.settings import BridgePlan, load_plan

AGAIN_S = 0.5
"""Between two looks at a bridge that is still catching up."""


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """One topic to verify; `loaded` says that its target is loaded into the warehouse.

    `topic` is empty for a topic of the own site that is only loaded: it is its own source.
    """

    topic: str
    target: str
    loaded: bool


class VerifyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to compare; `since_ms` leaves older records out (by their own timestamp; 0 takes all)."""

    link: str
    source: Cluster
    target: Cluster
    topics: tuple[Carried, ...]
    dsn: str
    since_ms: int = 0


def plan_from_settings(settings: Path, *, since_ms: int = 0) -> VerifyPlan:
    """The plan for the link that the bridge settings at `settings` describe."""
    return plan_from(load_plan(settings), since_ms=since_ms)


def plan_from(bridge: BridgePlan, *, since_ms: int = 0) -> VerifyPlan:
    """The plan for the link of `bridge`."""
    source = bridge.source or bridge.own
    return VerifyPlan(
        link=bridge.settings.link,
        source=Cluster(source.bootstrap, _properties(source.client)),
        target=Cluster(bridge.own.bootstrap, _properties(bridge.own.client)),
        topics=_carried(bridge),
        dsn=bridge.warehouse_dsn,
        since_ms=since_ms,
    )


def _carried(bridge: BridgePlan) -> tuple[Carried, ...]:
    loaded = bridge.settings.warehouse_topics
    streams = tuple(
        Carried(
            topic=stream.topic,
            target=stream.target_topic,
            loaded=stream.target_topic in loaded,
        )
        for stream in bridge.streams
    )
    mirrored = {carried.target for carried in streams}
    own = (
        Carried(topic="", target=topic, loaded=True) for topic in loaded if topic not in mirrored
    )
    return (*streams, *own)


def _properties(client: str) -> Mapping[str, str]:
    if not client:
        return {}
    lines = Path(client.removeprefix("file:")).read_text().splitlines()
    named = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in named}


def verify(
    plan: VerifyPlan,
    *,
    wait_s: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> BridgeVerify:
    """Compare; a bridge that is still catching up is looked at again until `wait_s` has passed.

    Raises `VerifyError` when something cannot be read.
    """
    deadline_s = clock() + wait_s
    while True:
        last = clock() >= deadline_s
        try:
            verdict = _verify_once(plan)
        except VerifyError:
            if last:
                raise
        else:
            if verdict.ok or last or not _may_mend(verdict):
                return verdict
        sleep(AGAIN_S)


def _may_mend(verdict: BridgeVerify) -> bool:
    """Waiting mends what has not arrived; a duplicate or an altered record stays."""
    return not any(
        topic.duplicate or topic.altered or topic.warehouse_duplicate for topic in verdict.topics
    )


def _verify_once(plan: VerifyPlan) -> BridgeVerify:
    topics = tuple(_verify_topic(plan, carried) for carried in plan.topics)
    faults = (
        topic.lost + topic.duplicate + topic.reordered + topic.altered
        + topic.warehouse_lost + topic.warehouse_duplicate
        for topic in topics
    )  # fmt: skip
    return BridgeVerify(link=plan.link, ok=not any(faults), topics=topics)


def _verify_topic(plan: VerifyPlan, carried: Carried) -> TopicVerify:
    """Read against the stream: what arrives meanwhile is then known upstream, never a stranger downstream."""
    held = read_loads(plan.dsn, carried.target) if carried.loaded else Loads({}, frozenset())
    target = read_topic(plan.target, carried.target, since_ms=plan.since_ms)
    source, dead = target, dict[int, dict[int, bytes]]()
    if carried.topic:
        letters = f"{plan.link}.dlq"
        dead = read_dead_letters(plan.target, letters, carried.topic, since_ms=plan.since_ms)
        source = read_topic(plan.source, carried.topic, since_ms=plan.since_ms)
    tally = _sum(
        [
            compare_partition(source.get(number, ()), target.get(number, ()), dead.get(number, {}))
            for number in sorted(source.keys() | target.keys() | dead.keys())
        ]
    )
    loads = loads_from(held, target)
    loaded = compare_loads(source, target, loads) if carried.loaded else LoadTally(0, 0, 0)
    return TopicVerify(
        topic=carried.target,
        source_records=_count(source),
        target_records=_count(target),
        dead_letters=sum(map(len, dead.values())),
        lost=tally.lost,
        duplicate=tally.duplicate,
        reordered=tally.reordered,
        altered=tally.altered + loaded.altered,
        warehouse_rows=len(loads.rows),
        warehouse_lost=loaded.lost,
        warehouse_duplicate=loaded.duplicate,
        quarantined=len(loads.quarantined),
    )


def _sum(tallies: Sequence[Tally]) -> Tally:
    return Tally(*(sum(column) for column in zip(Tally(0, 0, 0, 0), *tallies, strict=True)))


def _count(topic: Mapping[int, Sequence[Seen]]) -> int:
    return sum(map(len, topic.values()))
