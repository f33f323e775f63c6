"""The machine's clock, behind a port: one that shows the time of day, one that only goes forward."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What is passed to everything that needs time; a test passes its own."""

    def now(self) -> datetime:
        """The time of day, aware; it may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        ...


class SystemClock:
    """The real one."""

    def now(self) -> datetime:
        """See `Clock`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()
