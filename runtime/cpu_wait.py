"""How long processes waited for a processor while they were ready to run.

A router that the machine did not let run cannot answer or recover in time, and no limit in time says anything
about it then. Linux counts that wait per task (`/proc/PID/schedstat`, second field, ns); without it, 0.
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


class CpuWait:
    """Samples while the context is open; `starved_s` is then how many seconds were starved."""

    def __init__(self, pids: Iterable[int], *, proc: Path = Path("/proc")) -> None:
        self._files = tuple(proc / str(pid) / "schedstat" for pid in pids)
        self._stop = threading.Event()
        self._before, self._before_ns = (0,) * len(self._files), 0
        self._thread = threading.Thread(target=self._sample, name="cpu-wait", daemon=True)
        self.starved_s = 0
        self.wait_share_max = 0.0

    def __enter__(self) -> Self:
        """Begin; a wait from here on counts, whenever the sampling thread comes to run."""
        self._before, self._before_ns = self._waits_ns(), time.monotonic_ns()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; the last, unfinished second is left out."""
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            now, now_ns = self._waits_ns(), time.monotonic_ns()
            share = worst_share(self._before, now, elapsed_ns=now_ns - self._before_ns)
            self.wait_share_max = max(self.wait_share_max, share)
            self.starved_s += share > WAIT_SHARE_MAX
            self._before, self._before_ns = now, now_ns

    def _waits_ns(self) -> tuple[int, ...]:
        return tuple(_wait_ns(file) for file in self._files)


def worst_share(before: tuple[int, ...], now: tuple[int, ...], *, elapsed_ns: int) -> float:
    """The largest share of `elapsed_ns` that one of the processes spent waiting; an ended one counts 0."""
    waited = max((after - first for first, after in zip(before, now, strict=True)), default=0)
    return max(waited, 0) / elapsed_ns


def _wait_ns(file: Path) -> int:
    try:
        return int(file.read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
