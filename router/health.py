"""Is one endpoint fit to be tried? A transition table over what requests and probes saw, clock passed in.

Passive ejection without a cap on the share ejected, active probes, half-open and slow start. It decides
nothing about sites: a whole site that went silent is `breaker`'s business.
"""

import dataclasses
import enum
from collections.abc import Callable


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


@dataclasses.dataclass(frozen=True, slots=True)
class _Moment:
    """When an action takes place, and how many times the usual count it needs."""

    now_s: float
    limits: Limits
    factor: int


def step(
    health: Health, event: Event, *, now_s: float, limits: Limits, alone: bool = False
) -> Health:
    """The health after `event`; `alone` says that no other endpoint of the service could take over."""
    moment = _Moment(now_s, limits, limits.alone_factor if alone else 1)
    return _ACTIONS[TRANSITIONS[health.state][event]](health, moment)


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


def _stay(health: Health, _moment: _Moment) -> Health:
    return health


def _clear(health: Health, _moment: _Moment) -> Health:
    if not (health.failures or health.timeouts or health.probes_failed):
        return health
    return dataclasses.replace(health, failures=0, timeouts=0, probes_failed=0)


def _clear_probes(health: Health, _moment: _Moment) -> Health:
    return dataclasses.replace(health, probes_failed=0) if health.probes_failed else health


def _count_failure(health: Health, moment: _Moment) -> Health:
    counted = dataclasses.replace(health, failures=health.failures + 1)
    enough = counted.failures >= moment.limits.failures_max * moment.factor
    return _eject(counted, moment) if enough else counted


def _count_timeout(health: Health, moment: _Moment) -> Health:
    counted = dataclasses.replace(health, timeouts=health.timeouts + 1)
    enough = counted.timeouts >= moment.limits.timeouts_max * moment.factor
    return _eject(counted, moment) if enough else counted


def _count_probe(health: Health, moment: _Moment) -> Health:
    counted = dataclasses.replace(health, probes_failed=health.probes_failed + 1)
    enough = counted.probes_failed >= moment.limits.probes_max * moment.factor
    return _eject(counted, moment) if enough else counted


def _eject(health: Health, moment: _Moment) -> Health:
    limits = moment.limits
    hold_s = min(limits.eject_max_s, limits.eject_base_s * 2.0 ** min(health.ejections, 10))
    return Health(
        state=State.EJECTED,
        ejections=health.ejections + 1,
        since_s=moment.now_s,
        until_s=moment.now_s + hold_s,
    )


def _try(health: Health, moment: _Moment) -> Health:
    if moment.now_s < health.until_s:
        return health
    return dataclasses.replace(health, state=State.HALF_OPEN, since_s=moment.now_s)


def _ramp(health: Health, moment: _Moment) -> Health:
    cleared = _clear(health, moment)
    return dataclasses.replace(cleared, state=State.SLOW_START, since_s=moment.now_s)


def _finish(health: Health, moment: _Moment) -> Health:
    if moment.now_s - health.since_s < moment.limits.slow_start_s:
        return _clear(health, moment)
    return Health(since_s=moment.now_s)


_ACTIONS: dict[Action, Callable[[Health, _Moment], Health]] = {
    Action.STAY: _stay,
    Action.CLEAR: _clear,
    Action.CLEAR_PROBES: _clear_probes,
    Action.COUNT_FAILURE: _count_failure,
    Action.COUNT_TIMEOUT: _count_timeout,
    Action.COUNT_PROBE: _count_probe,
    Action.EJECT: _eject,
    Action.TRY: _try,
    Action.RAMP: _ramp,
    Action.FINISH: _finish,
}
