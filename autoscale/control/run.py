"""The process: caches, lease, passes, probes, until it is told to stop or loses the lease.

Two replicas may run; the one with the lease writes. Losing it ends the process at once: a thread in the middle of a
write cannot be taken back, but it cannot begin another.
"""

import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import structlog

from autoscale.control.clock import Clock
from autoscale.control.controller import Controller, Duties, Passed, Sources
from autoscale.control.health import Health, Probes
from autoscale.control.lease import Lease, LeaseLostError, Seat
from autoscale.control.look import Terms
from autoscale.control.report import Running, Watched, metrics_text
from autoscale.control.settings import AutoscaleSettings, PoolSettings
from autoscale.control.view import View, served_buffers
from autoscale.control.writer import Writer
from autoscale.kube.ports import Transport, UnreachableError
from autoscale.plan.model import Timing
from autoscale.targets.holders import Shape
from autoscale.targets.pools import Means, PoolTerms
from runtime.ready import write_ready

LOST = 3
"""Exit code: the environment took the lease away; whoever starts us starts us again."""
GATHER_S = 0.1
"""Changes within this are looked at together."""
REST = 3.0
"""Rest between passes that changes ask for, in times the last one took: a busy cluster costs a quarter of a core."""
STANDBY_S = 0.1
STUCK_S = 60.0
"""A loop that did not come round for so long beyond its resync is stuck, and /healthz says so."""
CRASH_S, CRASH_S_MAX = 1.0, 30.0

_log = structlog.stdlib.get_logger("autoscale")


class Ways(NamedTuple):
    """Where a process reaches out: API server, clock, everything else that is asked, and how it ends at once."""

    transport: Transport
    clock: Clock
    sources: Sources
    end: Callable[[int], object] = os._exit


class Process:
    """One replica."""

    def __init__(self, settings: AutoscaleSettings, ways: Ways) -> None:
        self._settings, self._ways = settings, ways
        self._stop, self._wake = threading.Event(), threading.Event()
        chance = random.Random()
        self._chance = chance
        identity = (
            settings.identity or f"{socket.gethostname()}_{os.getpid()}_{secrets.token_hex(4)}"
        )
        seat = Seat(namespace=settings.namespace, name=settings.name, identity=identity)
        self._lease = Lease(ways.transport, seat, clock=ways.clock, terms=settings.lease)
        self._writer = Writer(ways.transport, self._lease)
        self._view: View | None = None
        self._last: Passed | None = None
        self._passes, self._crashes, self._pass_s = 0, 0, 0.0
        self._seen_s = ways.clock.monotonic()

    @property
    def stopping(self) -> threading.Event:
        """Set when the process ends; for threads of its sources."""
        return self._stop

    def stop(self) -> None:
        """End after the write under way; from any thread, also from a signal handler."""
        self._stop.set()
        self._wake.set()

    def run(self) -> int:
        """Until `stop`; the exit code."""
        probes = Probes(self._unhealthy, self._unready, self._metrics)
        health = Health(self._settings.listen, probes)
        health.start()
        if self._settings.ready:
            write_ready(Path(self._settings.ready), self._settings.name, {"probe": health.address})
        leasing = threading.Thread(target=self._keep_lease, name="lease", daemon=True)
        try:
            return self._run(leasing)
        finally:
            self._stop.set()
            if leasing.is_alive():
                leasing.join()
            self._lease.release()
            health.stop()

    def _run(self, leasing: threading.Thread) -> int:
        version = self._discovered()
        if version is None:
            return 0
        self._view = View(
            self._ways.transport, changed=self._wake.set, clock=self._ways.clock, chance=self._chance,
            buffer_version=version,
        )  # fmt: skip
        self._view.start(self._stop)
        leasing.start()
        controller = Controller(
            self._view, self._writer, self._ways.sources, clock=self._ways.clock,
            duties=duties_of(self._settings),
        )  # fmt: skip
        _log.info("autoscale.started", identity=self._lease.identity, buffers=version or "none")
        try:
            self._loop(controller)
        except LeaseLostError as error:
            _log.warning("autoscale.lease_lost", reason=str(error))
            self._ways.end(LOST)
            return LOST
        return 0

    def _discovered(self) -> str | None:
        """Which CapacityBuffer is served; asked until the API server answers. None: stopped meanwhile."""
        while not self._stop.is_set():
            try:
                return served_buffers(self._ways.transport)
            except UnreachableError as error:
                _log.warning("autoscale.unreachable", reason=str(error))
                self._stop.wait(CRASH_S)
        return None

    def _loop(self, controller: Controller) -> None:
        failed = 0
        while not self._stop.is_set():
            self._seen_s = self._ways.clock.monotonic()
            if self._view is None or not self._view.synced or not self._lease.holds:
                self._stop.wait(STANDBY_S)
                continue
            self._wake.clear()
            began_s = time.perf_counter()
            try:
                self._last = controller.run_once()
                failed, wait_s = 0, self._wait_s(self._last)
            except LeaseLostError:
                raise
            except Exception:  # noqa: BLE001 - the outermost loop
                # outermost: whatever it was, floors stay as they are, and the next look may go better
                self._crashes, failed = self._crashes + 1, failed + 1
                _log.exception("autoscale.pass_failed")
                wait_s = min(CRASH_S_MAX, CRASH_S * 2 ** min(failed - 1, 5))
                self._stop.wait(wait_s)
            self._passes += 1
            self._pass_s = time.perf_counter() - began_s
            if self._wake.wait(wait_s):
                self._stop.wait(max(GATHER_S, self._pass_s * REST))

    def _wait_s(self, passed: Passed) -> float:
        """Until the next boundary, never before it, and not all replicas of the world at the same moment."""
        if passed.failures:
            _log.warning(
                "autoscale.writes_failed", failures=passed.failures, errors="; ".join(passed.errors)
            )
        if passed.writes:
            _log.info("autoscale.pass", writes=passed.writes)
        wait_s = self._settings.resync_s
        if passed.wake_s is not None:
            wait_s = min(
                wait_s, passed.wake_s + min(1.0, passed.wake_s * 0.1) * self._chance.random()
            )
        return max(0.02, wait_s)

    def _keep_lease(self) -> None:
        while not self._stop.is_set():
            held = self._lease.holds
            try:
                self._lease.step()
            except LeaseLostError as error:
                _log.warning("autoscale.lease_lost", reason=str(error))
                self._ways.end(LOST)
                self.stop()
                return
            if self._lease.holds and not held:
                _log.info("autoscale.leading")
                self._wake.set()
            self._stop.wait(self._settings.lease.retry_s)

    def _unhealthy(self) -> str:
        silent_s = self._ways.clock.monotonic() - self._seen_s
        if silent_s > self._settings.resync_s + STUCK_S:
            return f"no pass for {silent_s:.0f} s"
        return ""

    def _unready(self) -> str:
        if self._view is None:
            return "the API server has not answered yet"
        late = [kind for kind, one in self._view.reflectors.items() if not one.relists]
        return "" if self._view.synced else f"not listed yet: {', '.join(late)}"

    def _metrics(self) -> bytes:
        watched: Mapping[str, Watched] = {}
        if self._view is not None:
            watched = {
                kind: Watched(one.failures, one.relists)
                for kind, one in self._view.reflectors.items()
            }
        return metrics_text(
            Running(
                leading=self._lease.holds, passes=self._passes, crashes=self._crashes,
                pass_s=self._pass_s, written=dict(self._writer.written), watched=watched, last=self._last,
            )
        )  # fmt: skip


def duties_of(settings: AutoscaleSettings) -> Duties:
    """What the settings say of passes."""
    pools = {pool.name: pool for pool in settings.pools}

    def shape(pool: str) -> Shape:
        said = pools.get(pool, PoolSettings(name=pool))
        made = settings.placeholder
        return Shape(
            namespace=settings.namespace, image=made.image, command=made.command, requests=said.requests
        )  # fmt: skip

    timing = settings.timing
    return Duties(
        terms=Terms(
            namespace=settings.namespace, pools={name: _terms(pool) for name, pool in pools.items()}
        ),
        timing=Timing(
            node_default_s=timing.node_s, pod_default_s=timing.pod_s, verify_s=timing.verify_s,
            safety_s=timing.safety_s,
        ),
        restore_s=settings.restore_s, observe_only=settings.observe_only, shape=shape,
    )  # fmt: skip


def _terms(pool: PoolSettings) -> PoolTerms:
    means: dict[str, Means] = {
        "capacity-buffer": "buffer", "placeholder": "placeholder", "fixed": "placeholder", "group": "group",
    }  # fmt: skip
    return PoolTerms(
        means=means.get(pool.strategy, "auto"), maximum=pool.maximum, fixed=pool.strategy == "fixed"
    )
