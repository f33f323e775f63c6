"""Live demand from a Prometheus: asked in a thread of its own, so that a slow one delays no write.

An answer older than three rounds counts as missing: a planner that does not know holds.
"""

import math
import threading
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from autoscale.control.clock import Clock
from autoscale.control.look import Demand
from autoscale.control.settings import DemandSettings

ROUNDS_MAX = 3


class _Sample(msgspec.Struct, frozen=True):
    value: tuple[float, str]


class _Data(msgspec.Struct, frozen=True):
    result: tuple[_Sample, ...] = ()


class _Reply(msgspec.Struct, frozen=True):
    status: str
    data: _Data = _Data()
    error: str = ""


class _Kept(msgspec.Struct, frozen=True):
    demand: Demand
    at_s: float


class Prometheus:
    """The demand of the workloads that were asked for last."""

    def __init__(self, settings: DemandSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._pool = urllib3.PoolManager(maxsize=2, retries=False)
        self._lock = threading.Lock()
        self._windows: dict[str, float] = {}
        self._kept: dict[str, _Kept] = {}
        self.failures = 0

    def demand(self, windows: Mapping[str, float]) -> dict[str, Demand]:
        """What is known now; these workloads are asked for from now on."""
        oldest_s = self._clock.monotonic() - ROUNDS_MAX * self._settings.every_s
        with self._lock:
            self._windows = dict(windows)
            return {
                key: kept.demand
                for key, kept in self._kept.items()
                if kept.at_s >= oldest_s and key in windows
            }

    def run(self, stop: threading.Event) -> None:
        """A round every `every_s`, until `stop`."""
        while not stop.is_set():
            self.ask_all()
            stop.wait(self._settings.every_s)
        self._pool.clear()

    def ask_all(self) -> None:
        """One round over all workloads."""
        with self._lock:
            windows = dict(self._windows)
        for key, window_s in windows.items():
            query = self.query_of(key)
            if not query:
                continue
            step_s = max(1, min(60, round(window_s / 20)))
            found = Demand(
                self._ask(query),
                self._ask(f"max_over_time(({query})[{max(1, round(window_s))}s:{step_s}s])"),
            )
            if found.now is not None:
                with self._lock:
                    self._kept[key] = _Kept(found, self._clock.monotonic())

    def query_of(self, key: str) -> str:
        """The query of a workload, its names filled in; empty when there is none."""
        text = self._settings.queries.get(key, self._settings.query)
        for name, value in zip(("kind", "namespace", "name"), key.split("/"), strict=False):
            text = text.replace(f"{{{name}}}", value)
        return text

    def _ask(self, query: str) -> float | None:
        url = f"{self._settings.url.rstrip('/')}/api/v1/query?{urlencode({'query': query})}"
        try:
            answer = self._pool.request("GET", url, timeout=self._settings.timeout_s)
            reply = msgspec.json.decode(answer.data, type=_Reply)
            values = [float(one.value[1]) for one in reply.data.result]
        except (HTTPError, OSError, msgspec.MsgspecError, ValueError):
            self.failures += 1
            return None
        total = sum(values)
        return total if values and math.isfinite(total) else None
