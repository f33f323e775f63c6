"""Has a whole site gone silent? Several endpoints timing out with no answer from any means the link is cut.

An open breaker takes the site out of every choice at once, where ejecting endpoint by endpoint would cost
each of them its own time-outs. Probes re-admit it.
"""

import dataclasses
import enum


class State(enum.Enum):
    """Where a site stands; the value is what the metrics show."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Event(enum.Enum):
    """What was seen of a site, through any of its endpoints."""

    ANSWERED = "answered"
    """A request or probe got an answer, of whatever status."""
    PROBE_ANSWERED = "probe_answered"
    SILENT = "silent"
    """A request or probe was cut at its time limit without a byte of answer."""


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """`silent_endpoints` distinct ones open the breaker (all, when the site has fewer); `probes` close it."""

    silent_endpoints: int = 3
    probes: int = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Breaker:
    """A site's state; `silent` are the endpoints that timed out since the last answer."""

    state: State = State.CLOSED
    silent: frozenset[str] = frozenset()
    probes_ok: int = 0
    since_s: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What was seen, at which endpoint of a site that has `endpoints` of them, when."""

    event: Event
    endpoint: str
    endpoints: int
    now_s: float


def step(breaker: Breaker, seen: Seen, *, limits: Limits) -> Breaker:
    """The breaker after what was seen."""
    match breaker.state:
        case State.CLOSED:
            return _closed(breaker, seen, limits)
        case State.OPEN:
            # An answer that was on its way when the link was cut may still arrive: only a probe counts.
            if seen.event is Event.PROBE_ANSWERED:
                return Breaker(state=State.HALF_OPEN, probes_ok=1, since_s=seen.now_s)
            return breaker
        case State.HALF_OPEN:
            return _half_open(breaker, seen, limits)


def _closed(breaker: Breaker, seen: Seen, limits: Limits) -> Breaker:
    if seen.event is not Event.SILENT:
        return dataclasses.replace(breaker, silent=frozenset()) if breaker.silent else breaker
    silent = breaker.silent | {seen.endpoint}
    if len(silent) >= min(limits.silent_endpoints, max(1, seen.endpoints)):
        return Breaker(state=State.OPEN, since_s=seen.now_s)
    return dataclasses.replace(breaker, silent=silent)


def _half_open(breaker: Breaker, seen: Seen, limits: Limits) -> Breaker:
    match seen.event:
        case Event.SILENT:
            return Breaker(state=State.OPEN, since_s=seen.now_s)
        case Event.ANSWERED:
            return breaker
        case Event.PROBE_ANSWERED:
            if breaker.probes_ok + 1 >= limits.probes:
                return Breaker(since_s=seen.now_s)
            return dataclasses.replace(breaker, probes_ok=breaker.probes_ok + 1)
