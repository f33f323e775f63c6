"""Time as the faults see it: passed in, so that a test can say what time it is."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time for leases (another process reads them), monotonic time for records."""

    def wall_s(self) -> float:
        """Seconds since the epoch."""
        ...

    def mono_ns(self) -> int:
        """CLOCK_MONOTONIC, the clock of the load generator on this machine."""
        ...

    def sleep(self, pause_s: float) -> None:
        """Let time pass."""
        ...


class SystemClock:
    """This machine's clock."""

    def wall_s(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def mono_ns(self) -> int:
        """CLOCK_MONOTONIC in nanoseconds."""
        return time.monotonic_ns()

    def sleep(self, pause_s: float) -> None:
        """Block this thread."""
        time.sleep(pause_s)
