"""Is one endpoint fit to be tried? A transition table over what requests and probes saw, clock passed in.

Passive ejection without a cap on the share ejected, active probes, half-open and slow start. It decides
nothing about sites: a whole site that went silent is `breaker`'s business.
"""

import dataclasses
import enum
from typing import assert_never


class State(enum.Enum):
    """Where an endpoint stands; the value is what the metrics show."""

    HEALTHY = 0
    SLOW_START = 1
    HALF_OPEN = 2
    EJECTED = 3


class Event(enum.Enum):
    """What was seen of an endpoint."""

    OK = "ok"
    """A request was answered (whatever the status below 502)."""
    FAILED = "failed"
    """The connection died under a request, or the answer was 502, 503 or 504."""
    REFUSED = "refused"
    """No connection could be opened."""
    TIMED_OUT = "timed_out"
    """An attempt was cut at its time limit."""
    PROBE_OK = "probe_ok"
    PROBE_FAILED = "probe_failed"
    """A probe timed out or was answered with an error."""
    PROBE_REFUSED = "probe_refused"
    """A probe's fresh connection was refused or reset."""
    TICK = "tick"
    """Time passed."""


class Action(enum.Enum):
    """What a (state, event) pair does."""

    STAY = "stay"
    CLEAR = "clear"
    CLEAR_PROBES = "clear_probes"
    COUNT_FAILURE = "count_failure"
    COUNT_TIMEOUT = "count_timeout"
    COUNT_PROBE = "count_probe"
    EJECT = "eject"
    TRY = "try"
    RAMP = "ramp"
    FINISH = "finish"


TRANSITIONS: dict[State, dict[Event, Action]] = {
    State.HEALTHY: {
        Event.OK: Action.CLEAR,
        Event.FAILED: Action.COUNT_FAILURE,
        Event.REFUSED: Action.EJECT,
        Event.TIMED_OUT: Action.COUNT_TIMEOUT,
        Event.PROBE_OK: Action.CLEAR_PROBES,
        Event.PROBE_FAILED: Action.COUNT_PROBE,
        Event.PROBE_REFUSED: Action.EJECT,
        Event.TICK: Action.STAY,
    },
    State.SLOW_START: {
        Event.OK: Action.FINISH,
        Event.FAILED: Action.COUNT_FAILURE,
        Event.REFUSED: Action.EJECT,
        Event.TIMED_OUT: Action.COUNT_TIMEOUT,
        Event.PROBE_OK: Action.FINISH,
        Event.PROBE_FAILED: Action.COUNT_PROBE,
        Event.PROBE_REFUSED: Action.EJECT,
        Event.TICK: Action.FINISH,
    },
    State.HALF_OPEN: {
        Event.OK: Action.RAMP,
        Event.FAILED: Action.EJECT,
        Event.REFUSED: Action.EJECT,
        Event.TIMED_OUT: Action.EJECT,
        Event.PROBE_OK: Action.RAMP,
        Event.PROBE_FAILED: Action.EJECT,
        Event.PROBE_REFUSED: Action.EJECT,
        Event.TICK: Action.STAY,
    },
    # A late answer of an ejected endpoint proves nothing about the next one: only probes re-admit.
    State.EJECTED: {
        Event.OK: Action.STAY,
        Event.FAILED: Action.STAY,
        Event.REFUSED: Action.STAY,
        Event.TIMED_OUT: Action.STAY,
        Event.PROBE_OK: Action.TRY,
        Event.PROBE_FAILED: Action.STAY,
        Event.PROBE_REFUSED: Action.STAY,
        Event.TICK: Action.STAY,
    },
}


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """When evidence is enough; counts are consecutive, times in seconds.

    Two probes at 0.2 s each, 0.2 s apart, find a grey endpoint (accepts, never answers) in under 1 s.
    Five failures, not one, because an answer lost after commit says little about the endpoint.
    `alone_factor` multiplies the counts for the last endpoint standing: ejecting it turns slow into down.
    """

    failures_max: int = 5
    timeouts_max: int = 3
    probes_max: int = 2
    alone_factor: int = 3
    eject_base_s: float = 0.5
    eject_max_s: float = 10.0
    slow_start_s: float = 2.0
    slow_start_share: float = 0.1


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """One endpoint's state, its consecutive failures of each sort, and since and until when."""

    state: State = State.HEALTHY
    failures: int = 0
    timeouts: int = 0
    probes_failed: int = 0
    ejections: int = 0
    since_s: float = 0.0
    until_s: float = 0.0


def step(
    health: Health, event: Event, *, now_s: float, limits: Limits, alone: bool = False
) -> Health:
    """The health after `event`; `alone` says that no other endpoint of the service could take over."""
    factor = limits.alone_factor if alone else 1
    match TRANSITIONS[health.state][event]:
        case Action.STAY:
            return health
        case Action.CLEAR:
            return _cleared(health)
        case Action.CLEAR_PROBES:
            return dataclasses.replace(health, probes_failed=0) if health.probes_failed else health
        case Action.COUNT_FAILURE:
            counted = dataclasses.replace(health, failures=health.failures + 1)
            enough = counted.failures >= limits.failures_max * factor
            return _ejected(counted, now_s, limits) if enough else counted
        case Action.COUNT_TIMEOUT:
            counted = dataclasses.replace(health, timeouts=health.timeouts + 1)
            enough = counted.timeouts >= limits.timeouts_max * factor
            return _ejected(counted, now_s, limits) if enough else counted
        case Action.COUNT_PROBE:
            counted = dataclasses.replace(health, probes_failed=health.probes_failed + 1)
            enough = counted.probes_failed >= limits.probes_max * factor
            return _ejected(counted, now_s, limits) if enough else counted
        case Action.EJECT:
            return _ejected(health, now_s, limits)
        case Action.TRY:
            if now_s < health.until_s:
                return health
            return dataclasses.replace(health, state=State.HALF_OPEN, since_s=now_s)
        case Action.RAMP:
            return dataclasses.replace(_cleared(health), state=State.SLOW_START, since_s=now_s)
        case Action.FINISH:
            if now_s - health.since_s < limits.slow_start_s:
                return _cleared(health)
            return Health(since_s=now_s)
        case unreachable:
            assert_never(unreachable)


def weight(health: Health, now_s: float, *, limits: Limits) -> float:
    """The share of traffic an endpoint may take, 0 to 1; half-open endpoints wait for one trial."""
    match health.state:
        case State.HEALTHY:
            return 1.0
        case State.SLOW_START:
            ramp = (now_s - health.since_s) / limits.slow_start_s
            return min(1.0, max(limits.slow_start_share, ramp))
        case State.HALF_OPEN:
            return limits.slow_start_share
        case State.EJECTED:
            return 0.0
        case unreachable:
            assert_never(unreachable)


def _cleared(health: Health) -> Health:
    if not (health.failures or health.timeouts or health.probes_failed):
        return health
    return dataclasses.replace(health, failures=0, timeouts=0, probes_failed=0)


def _ejected(health: Health, now_s: float, limits: Limits) -> Health:
    hold_s = min(limits.eject_max_s, limits.eject_base_s * 2.0 ** min(health.ejections, 10))
    return Health(
        state=State.EJECTED,
        ejections=health.ejections + 1,
        since_s=now_s,
        until_s=now_s + hold_s,
    )
