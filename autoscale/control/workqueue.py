"""Which writes may be tried now: per key an exponential back-off, over all a token bucket. Pure; time is passed in."""

import msgspec

BASE_S, PAUSE_S_MAX = 0.1, 60.0
"""A minute is the longest pause: a floor that waits longer for its next try is not ready in time."""
FINAL_S = 60.0
"""What only a person can put right is tried once a minute."""
RATE, BURST = 10.0, 100.0
"""Writes per second, and at once: what client-go's controllers allow themselves."""
SPARE = 50.0
"""Tokens that what is only said leaves to floors, nodes and records."""


class _Failed(msgspec.Struct, frozen=True):
    count: int
    due_s: float


class WorkQueue:
    """Keys that failed wait; what is wanted is asked for anew in each pass, so nothing else is kept.

    `wake_s` ends a pass: what failed, is due and was not asked for in it is not wanted any more.
    """

    def __init__(self, *, rate: float = RATE, burst: float = BURST) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at_s = burst, 0.0
        self._failed: dict[str, _Failed] = {}
        self._asked = set[str]()
        self._starved = False

    def admits(self, key: str, now_s: float, *, spare: float = 0.0) -> bool:
        """Whether it may be tried now; takes a token if so. `spare` are tokens that are left to others."""
        self._asked.add(key)
        failed = self._failed.get(key)
        if failed is not None and now_s < failed.due_s:
            return False
        self._tokens = min(self._burst, self._tokens + max(0.0, now_s - self._at_s) * self._rate)
        self._at_s = max(self._at_s, now_s)
        if self._tokens < 1 + spare:
            self._starved = True
            return False
        self._tokens -= 1
        return True

    def done(self, key: str) -> None:
        """It succeeded."""
        self._failed.pop(key, None)

    def failed(self, key: str, now_s: float, *, at_least_s: float = 0.0) -> None:
        """It failed; `at_least_s` is what the server asked for."""
        count = self._failed[key].count + 1 if key in self._failed else 1
        pause_s = min(PAUSE_S_MAX, BASE_S * 2 ** min(count - 1, 16))
        self._failed[key] = _Failed(count, now_s + max(pause_s, at_least_s))

    def wake_s(self, now_s: float) -> float | None:
        """Seconds until something that waits may be tried; None when nothing waits."""
        self._failed = {
            key: one for key, one in self._failed.items() if key in self._asked or one.due_s > now_s
        }
        self._asked.clear()
        dues = [max(0.0, one.due_s - now_s) for one in self._failed.values()]
        if self._starved:
            self._starved = False
            dues.append(max(1.0, 1 - self._tokens) / self._rate)
        return min(dues, default=None)
