"""When a shopper's journeys should begin, and how many could not because the last one was not over. Pure.

A closed loop stops arriving while it waits, which is how a stall hides itself; counting what did not begin is
what makes such a run visible as one that measured itself.
"""


class Pacing:
    """Journeys every `pacing_s` seconds from `now_s` on; `missed` counts those whose time passed."""

    def __init__(self, pacing_s: float, now_s: float) -> None:
        self._pacing_s = pacing_s
        self._due_s = now_s
        self.missed = 0

    def wait_s(self, now_s: float) -> float:
        """How long to wait for the next journey, called when one is over."""
        self._due_s += self._pacing_s
        behind_s = now_s - self._due_s
        if behind_s >= self._pacing_s:
            # Only whole journeys are missed: one that begins a little late still begins.
            missed = int(behind_s // self._pacing_s)
            self.missed += missed
            self._due_s += missed * self._pacing_s
        return max(self._due_s - now_s, 0.0)

    def stop(self, now_s: float) -> None:
        """The shopper goes: what its journey under way kept from beginning is missed too."""
        behind = int((now_s - self._due_s) // self._pacing_s) - 1
        self.missed += max(behind, 0)
