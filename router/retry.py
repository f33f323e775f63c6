"""May this failed attempt be made again, and is there budget? No clock of its own.

Rules: RFC 9110 §9.2.2 (idempotent methods), and a token budget so that an outage is not amplified.
"""

import enum

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})

WINDOW_S = 10
SHARE = 0.2
FLOOR = 10
"""Retries may be 20 % of the requests of the last 10 s, and always 10."""

UNSENT_MAX = 32
"""Failed connects are no attempts, but a service with more dead endpoints than this is down."""


class Failure(enum.Enum):
    """How an attempt failed, as far as it matters for another one."""

    UNSENT = "unsent"
    """Nothing was written: no connection could be opened."""
    LOST = "lost"
    """The connection died after bytes were written, before a whole answer."""
    TIMED_OUT = "timed_out"
    GARBLED = "garbled"
    """The answer was not HTTP."""


class Scope(enum.Enum):
    """Where a request may be tried again."""

    NOWHERE = "nowhere"
    SAME_SITE = "same_site"
    ANY = "any"


def scope(method: str, *, keyed: bool, ledger_shared: bool) -> Scope:
    """Where a request may be repeated once bytes were written.

    `keyed` means that its route names an idempotency header and the request carries it: the key is known
    to one site's ledger only, unless the sites share it.
    """
    if method in IDEMPOTENT:
        return Scope.ANY
    if keyed:
        return Scope.ANY if ledger_shared else Scope.SAME_SITE
    return Scope.NOWHERE


class Budget:
    """A token budget over the last 10 s, in buckets of a second."""

    __slots__ = ("_requests", "_retries", "_second")

    def __init__(self) -> None:
        self._requests = [0] * WINDOW_S
        self._retries = [0] * WINDOW_S
        self._second = 0

    def note_request(self, now_s: float) -> None:
        """Count one request; it earns a fifth of a retry for the next 10 s."""
        self._roll(now_s)
        self._requests[self._second % WINDOW_S] += 1

    def available(self, now_s: float) -> bool:
        """Whether `take` would succeed."""
        self._roll(now_s)
        return sum(self._retries) < max(FLOOR, SHARE * sum(self._requests))

    def take(self, now_s: float) -> bool:
        """Spend one retry; false when the budget is used up."""
        if not self.available(now_s):
            return False
        self._retries[self._second % WINDOW_S] += 1
        return True

    def _roll(self, now_s: float) -> None:
        second = int(now_s)
        if second <= self._second:
            return
        for past in range(max(self._second + 1, second - WINDOW_S + 1), second + 1):
            self._requests[past % WINDOW_S] = 0
            self._retries[past % WINDOW_S] = 0
        self._second = second
