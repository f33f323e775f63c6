"""What runs in threads: a stream (set up, its slices, a watcher) and a load (its session, a watcher).

Adapter. Watchers see what a running reader cannot: a topic of the same name that is another topic, and
partitions nobody reads yet. A look costs one small request a second.
"""

import threading
from typing import NamedTuple

import structlog

from contracts.bridge import SliceStatus
from policy.model import StreamRule
from sync.batch import BACKOFF_MAX_S, Disposition
from sync.drive import Board, Driver
from sync.faults import Alarm, ReplicationError
from sync.kafka import Source, Target, TransactionalTarget
from sync.mirror import Ends, MirrorSession, Slice
from sync.plain import PlainTarget
from sync.plan import TopicPlan, partitions_of, slice_id
from sync.settings import BridgePlan
from sync.setup import Link, establish
from sync.store import Store
from sync.warehouse import WarehouseSession

MIRROR_INTERVAL_S = 0.02
LOAD_INTERVAL_S = 0.01
"""Least time between part-filled batches: a transaction costs its brokers the same whatever its size."""

WATCH_S = 1.0
"""How soon a re-created topic, or new partitions, are noticed."""

_log = structlog.stdlib.get_logger("sync")


class RunningSlice(NamedTuple):
    """One slice and what `status` shows of it."""

    id: str
    topic: str
    partitions: tuple[int, ...]
    session: MirrorSession
    driver: Driver

    def status(self) -> SliceStatus:
        """The slice as it is now."""
        board = self.driver.board
        return SliceStatus(
            id=self.id,
            topic=self.topic,
            partitions=self.partitions,
            state=board.state,
            reason=board.reason,
            committed_records=board.records,
            transactions=board.transactions,
            lag_records=board.lag_records,
        )


class StreamWorker:
    """One stream of a link."""

    def __init__(
        self, plan: BridgePlan, link: Link, stream: StreamRule, *, stop: threading.Event
    ) -> None:
        self._plan = plan
        self._link = link
        self._stream = stream
        self._stop = stop
        self._setup = Board()
        self._alarms: list[Alarm] = []
        self._threads: list[threading.Thread] = []
        self.slices: tuple[RunningSlice, ...] = ()

    def run(self) -> None:
        """Set up until it stands, run the slices, watch; ends when all of it has ended."""
        plan = self._establish()
        if plan is None:
            return
        self.slices = tuple(self._slice(plan, number) for number in range(plan.slices))
        for running in self.slices:
            thread = threading.Thread(target=running.driver.run, name=running.id, daemon=True)
            self._threads.append(thread)
            thread.start()
        while not self._stop.wait(WATCH_S):
            self._look(plan)
        for thread in self._threads:
            thread.join()

    def _establish(self) -> TopicPlan | None:
        while not self._stop.is_set():
            try:
                return establish(
                    self._link, self._stream, slices_max=self._plan.settings.slices_max
                )
            except ReplicationError as error:
                self._setup.reason = error.reason
                if error.disposition is Disposition.STOP:
                    self._setup.state = "failed"
                    _log.error(
                        "stream.failed", topic=self._stream.topic, reason=error.reason
                    )  # a verdict, not a bug: the trace says nothing
                    return None
                _log.warning("stream.waits", topic=self._stream.topic, reason=error.reason)
                self._stop.wait(BACKOFF_MAX_S)
        return None

    def _slice(self, plan: TopicPlan, number: int) -> RunningSlice:
        settings = self._plan.settings
        identity = slice_id(settings.link, plan.topic, slice_no=number)
        partitions = partitions_of(number, partitions=plan.partitions, slices=plan.slices)
        size_max = self._link.target.batch_bytes_max(plan.target)
        alarm = Alarm()
        session = MirrorSession(
            self._link,
            Slice(plan, partitions, size_max, self._plan.policy_digest),
            ends=Ends(
                self._target(identity, size_max),
                Source(self._link.source.brokers, client_id=identity, topic=plan.topic),
            ),
            alarm=alarm,
            stop=self._stop,
        )
        driver = Driver(
            identity,
            session,
            records_max=settings.batch_records_max,
            interval_s=MIRROR_INTERVAL_S,
            stop=self._stop,
        )
        self._alarms.append(alarm)
        return RunningSlice(identity, plan.topic, partitions, session, driver)

    def _target(self, identity: str, size_max: int) -> Target:
        settings, brokers = self._plan.settings, self._link.target.brokers
        if "eos" in settings.disable:
            return PlainTarget(brokers, client_id=identity, size_max=size_max)
        return TransactionalTarget(
            brokers,
            transactional_id=identity,
            size_max=size_max,
            timeout_ms=settings.transaction_timeout_ms,
        )

    def _look(self, plan: TopicPlan) -> None:
        try:
            found = self._link.source.describe(plan.topic)
        except ReplicationError:
            return  # a cut link; the slices' own readers wait for it
        if found is None:
            return
        if found.id != plan.source_id:
            self._alarm(
                f"topic-recreated: {plan.topic} is {found.id}, copied from {plan.source_id}"
            )
        elif found.partitions > plan.partitions:
            self._alarm(
                f"partitions-added: {plan.topic} has {found.partitions}, {plan.partitions} are"
                " carried: restart the bridge to carry them"
            )

    def _alarm(self, reason: str) -> None:
        for alarm in self._alarms:
            alarm.see(Disposition.STOP, reason)

    def status(self) -> tuple[SliceStatus, ...]:
        """The slices, or the set-up that has not led to any."""
        if self.slices:
            return tuple(running.status() for running in self.slices)
        return (
            SliceStatus(
                id=f"{self._plan.settings.link}/{self._stream.topic}",
                topic=self._stream.topic,
                partitions=(),
                state=self._setup.state,
                reason=self._setup.reason,
                committed_records=0,
                transactions=0,
                lag_records=0,
            ),
        )


class LoadWorker:
    """One topic of the own site into the warehouse."""

    def __init__(self, plan: BridgePlan, link: Link, topic: str, *, stop: threading.Event) -> None:
        self._topic = topic
        self._cluster = link.target
        self._stop = stop
        self._alarm = Alarm()
        self.session = WarehouseSession(
            topic,
            cluster=self._cluster,
            source=Source(
                self._cluster.brokers, client_id=f"{link.name}/warehouse/{topic}", topic=topic
            ),
            store=Store(plan.warehouse_dsn),
            alarm=self._alarm,
        )
        self.driver = Driver(
            f"warehouse/{topic}",
            self.session,
            records_max=plan.settings.batch_records_max,
            interval_s=LOAD_INTERVAL_S,
            stop=stop,
        )

    def run(self) -> None:
        """Load, and watch for partitions and another topic of the same name."""
        thread = threading.Thread(target=self.driver.run, name=f"load {self._topic}", daemon=True)
        thread.start()
        while not self._stop.wait(WATCH_S):
            self._look()
        thread.join()

    def _look(self) -> None:
        try:
            found = self._cluster.describe(self._topic)
        except ReplicationError:
            return
        held = self.session.topic
        if found is not None and held is not None and found != held:
            self._alarm.see(Disposition.RENEW, f"{self._topic}: topic or partitions changed")
