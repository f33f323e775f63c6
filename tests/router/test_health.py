"""One endpoint's health: every state and event, and the times that matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.health import TRANSITIONS, Event, Health, Limits, State, step, weight

LIMITS = Limits()


def run(events, *, start=None, now_s=100.0, every_s=0.1, alone=False) -> Health:
    health = start or Health()
    for event in events:
        health = step(health, event, now_s=now_s, limits=LIMITS, alone=alone)
        now_s += every_s
    return health


def test_the_table_covers_every_state_and_event() -> None:
    """No pair of state and event is left to chance."""
    assert set(TRANSITIONS) == set(State)
    for state, row in TRANSITIONS.items():
        assert set(row) == set(Event), state


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_every_pair_yields_a_state_of_the_table(state: State, event: Event) -> None:
    """Each pair is defined, and only probes or answers ever lead back towards traffic."""
    before = Health(state=state, since_s=0.0, until_s=50.0)
    after = step(before, event, now_s=100.0, limits=LIMITS)
    if after.state.value < before.state.value:
        assert event in {Event.OK, Event.PROBE_OK, Event.TICK} or state is State.SLOW_START
    if state is State.EJECTED and event is not Event.PROBE_OK:
        assert after == before


@pytest.mark.parametrize("event", [Event.REFUSED, Event.PROBE_REFUSED])
def test_a_refused_connection_ejects_at_once(event: Event) -> None:
    """Nobody listens there: one proof is enough."""
    assert run([event]).state is State.EJECTED


def test_a_grey_endpoint_is_ejected_within_a_second_by_probes() -> None:
    """Two probes that time out, 0.2 s apart and 0.2 s long, end in an ejection before 1 s."""
    health = run([Event.PROBE_FAILED] * LIMITS.probes_max)
    assert health.state is State.EJECTED
    interval_s, timeout_s = 0.2, 0.2
    assert LIMITS.probes_max * (interval_s + timeout_s) < 1.0


@pytest.mark.parametrize(
    ("event", "count"),
    [
        (Event.FAILED, LIMITS.failures_max),
        (Event.TIMED_OUT, LIMITS.timeouts_max),
        (Event.PROBE_FAILED, LIMITS.probes_max),
    ],
)
def test_failures_count_only_while_consecutive(event: Event, count: int) -> None:
    """One success between failures starts the count anew; without it the last one ejects."""
    good = Event.PROBE_OK if event is Event.PROBE_FAILED else Event.OK
    assert run([event] * (count - 1) + [good] + [event] * (count - 1)).state is State.HEALTHY
    assert run([event] * count).state is State.EJECTED


def test_a_good_probe_does_not_hide_failing_requests() -> None:
    """An endpoint that answers /healthz and nothing else is ejected by its requests."""
    assert run([Event.TIMED_OUT, Event.PROBE_OK] * LIMITS.timeouts_max).state is State.EJECTED


def test_the_last_endpoint_standing_gets_more_patience() -> None:
    """Alone, an endpoint is ejected for slowness only after three times the evidence."""
    slow = [Event.PROBE_FAILED] * LIMITS.probes_max
    assert run(slow, alone=True).state is State.HEALTHY
    assert run(slow * LIMITS.alone_factor, alone=True).state is State.EJECTED
    assert run([Event.REFUSED], alone=True).state is State.EJECTED


def test_the_way_back_is_probe_trial_ramp() -> None:
    """Ejected, held out for its time, half-open on a probe, slow start on the next, healthy after it."""
    ejected = run([Event.REFUSED], now_s=0.0)
    early = step(ejected, Event.PROBE_OK, now_s=0.4, limits=LIMITS)
    assert early.state is State.EJECTED
    half = step(ejected, Event.PROBE_OK, now_s=0.5, limits=LIMITS)
    assert half.state is State.HALF_OPEN
    ramp = step(half, Event.PROBE_OK, now_s=0.7, limits=LIMITS)
    assert ramp.state is State.SLOW_START
    assert weight(ramp, 0.7, limits=LIMITS) == LIMITS.slow_start_share
    assert weight(ramp, 1.7, limits=LIMITS) == pytest.approx(0.5)
    done = step(ramp, Event.OK, now_s=2.7, limits=LIMITS)
    assert done.state is State.HEALTHY
    assert weight(done, 2.7, limits=LIMITS) == 1.0


def test_ejections_in_a_row_last_longer_up_to_a_bound() -> None:
    """Each ejection before health was regained doubles the hold, never beyond 10 s."""
    health, now_s, holds = Health(), 0.0, []
    for _ in range(8):
        health = step(health, Event.REFUSED, now_s=now_s, limits=LIMITS)
        holds.append(health.until_s - now_s)
        now_s = health.until_s
        health = step(health, Event.PROBE_OK, now_s=now_s, limits=LIMITS)
    assert holds[:3] == [0.5, 1.0, 2.0]
    assert max(holds) == LIMITS.eject_max_s


@given(st.lists(st.tuples(st.sampled_from(Event), st.floats(0, 3)), max_size=60))
def test_weight_is_a_share_and_zero_exactly_when_ejected(history) -> None:
    """Whatever happened, the weight is within 0 and 1, and an ejected endpoint gets nothing."""
    health, now_s = Health(), 0.0
    for event, later_s in history:
        now_s += later_s
        health = step(health, event, now_s=now_s, limits=LIMITS)
        share = weight(health, now_s, limits=LIMITS)
        assert 0.0 <= share <= 1.0
        assert (share == 0.0) == (health.state is State.EJECTED)


def test_a_clock_that_stands_still_frees_nobody() -> None:
    """Adversarial: without time an ejected endpoint stays out and a ramp stays at its start."""
    ejected = step(Health(), Event.REFUSED, now_s=5.0, limits=LIMITS)
    for _ in range(100):
        ejected = step(ejected, Event.PROBE_OK, now_s=5.0, limits=LIMITS)
    assert ejected.state is State.EJECTED
