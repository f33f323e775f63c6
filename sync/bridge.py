"""The running bridge: everything one link does, in threads of one process.

Adapter. One process, so that one SIGKILL ends all of it; threads, since librdkafka works outside the
interpreter's lock. What a slice owns is recorded on the target: running it elsewhere changes no id.
"""

import threading
import time
from collections.abc import Callable

from contracts.bridge import BridgeStatus
from sync.admin import Cluster
from sync.registry import Registry
from sync.settings import BridgePlan
from sync.setup import Link
from sync.workers import LoadWorker, StreamWorker

JOIN_S = 8.0
"""A batch in flight ends within this on a healthy broker; the fence cleans up after one that does not."""


class Bridge:
    """Starts, shows and stops one link."""

    def __init__(self, plan: BridgePlan) -> None:
        self._link_name = plan.settings.link
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        own = Cluster(plan.own, client_id=f"{plan.settings.link}-own")
        registry = Registry(
            own,
            plan.settings.link,
            transaction_timeout_ms=plan.settings.transaction_timeout_ms,
            stop=self._stop,
        )
        source = (
            own
            if plan.source is None
            else Cluster(plan.source, client_id=f"{plan.settings.link}-source")
        )
        link = Link(plan.settings.link, source, own, registry)
        self._streams = tuple(
            StreamWorker(plan, link, stream, stop=self._stop) for stream in plan.streams
        )
        self._loads = tuple(
            LoadWorker(plan, link, topic, stop=self._stop)
            for topic in plan.settings.warehouse_topics
        )

    def start(self) -> None:
        """Start every stream and every load; returns at once."""
        for stream in self._streams:
            self._spawn(stream.run)
        for load in self._loads:
            self._spawn(load.run)

    def _spawn(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> bool:
        """Let batches in flight end; false if one did not within `JOIN_S`."""
        self._stop.set()
        deadline_s = time.monotonic() + JOIN_S
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def running(self) -> bool:
        """Whether every slice and every load is running."""
        states = [status.state for stream in self._streams for status in stream.status()]
        states += [load.driver.board.state for load in self._loads]
        return all(state == "running" for state in states)

    def status(self) -> BridgeStatus:
        """The bridge's own word on itself."""
        slices = [status for stream in self._streams for status in stream.status()]
        return BridgeStatus(
            link=self._link_name,
            slices=tuple(slices),
            warehouse_rows=sum(load.session.rows for load in self._loads),
            warehouse_lag_records=sum(load.driver.board.lag_records for load in self._loads),
            quarantined=sum(load.session.quarantined for load in self._loads),
            dead_letters=sum(
                running.session.dead_letters
                for stream in self._streams
                for running in stream.slices
            ),
        )
