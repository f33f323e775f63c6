"""In how many seconds of a run the routers waited for a processor for more than half of the time.

A router that the machine does not let run cannot recover in time, and a limit in seconds says nothing about it.
Linux counts the wait per task (`/proc/PID/schedstat`, second field, ns); where it does not, nothing is starved.
"""

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

SAMPLE_S = 1.0
"""Long against a time slice (3 ms), short against a run."""
WAIT_SHARE_MAX = 0.5
"""The worst second of a run on two idle cores was 29 %; from a half on, tails are the scheduler's."""


class Starvation:
    """Samples while the context is open; `starved_s` counts."""

    def __init__(self, pids: Iterable[int], *, proc: Path = Path("/proc")) -> None:
        self._files = tuple(proc / str(pid) / "schedstat" for pid in pids)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="starvation", daemon=True)
        self.starved_s = 0

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; the last, unfinished second is left out."""
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        before, before_ns = self._waits_ns(), time.monotonic_ns()
        while not self._stop.wait(SAMPLE_S):
            now, now_ns = self._waits_ns(), time.monotonic_ns()
            self.starved_s += is_starved(before, now, elapsed_ns=now_ns - before_ns)
            before, before_ns = now, now_ns

    def _waits_ns(self) -> tuple[int, ...]:
        return tuple(_wait_ns(file) for file in self._files)


def is_starved(before: tuple[int, ...], now: tuple[int, ...], *, elapsed_ns: int) -> bool:
    """Whether one of the processes waited for more than its share; one that ended waited for nothing."""
    waited = max((after - first for first, after in zip(before, now, strict=True)), default=0)
    return waited > WAIT_SHARE_MAX * elapsed_ns


def _wait_ns(file: Path) -> int:
    try:
        return int(file.read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
