"""A site's breaker: a silent site is left at once, and let back in by probes only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.breaker import Breaker, Event, Limits, Seen, State, step

LIMITS = Limits()


def run(seen, *, endpoints=11, start=None) -> Breaker:
    breaker = start or Breaker()
    for number, (event, endpoint) in enumerate(seen):
        breaker = step(breaker, Seen(event, endpoint, endpoints, float(number)), limits=LIMITS)
    return breaker


SILENT = [(Event.SILENT, "a"), (Event.SILENT, "b"), (Event.SILENT, "c")]


def test_three_silent_endpoints_and_no_answer_open_it() -> None:
    """A black-holed link shows as several endpoints timing out while nobody answers."""
    assert run(SILENT).state is State.OPEN
    assert run(SILENT[:2]).state is State.CLOSED


def test_one_grey_endpoint_never_opens_it() -> None:
    """The same endpoint timing out again and again is that endpoint's trouble."""
    assert run([(Event.SILENT, "a")] * 50).state is State.CLOSED


@pytest.mark.parametrize("answer", [Event.ANSWERED, Event.PROBE_ANSWERED])
def test_any_answer_in_between_keeps_it_closed(answer: Event) -> None:
    """While anything answers, the link is up."""
    assert run([*SILENT[:2], (answer, "d"), *SILENT[:2]]).state is State.CLOSED


def test_a_site_with_fewer_endpoints_opens_when_all_are_silent() -> None:
    """Two silent endpoints of two are the whole site."""
    assert run(SILENT[:2], endpoints=2).state is State.OPEN
    assert run(SILENT[:1], endpoints=1).state is State.OPEN


def test_only_probes_close_it_again() -> None:
    """A late answer of before the cut changes nothing; two probes do, and silence between undoes the first."""
    opened = run(SILENT)
    assert run([(Event.ANSWERED, "a")], start=opened).state is State.OPEN
    half = run([(Event.PROBE_ANSWERED, "a")], start=opened)
    assert half.state is State.HALF_OPEN
    assert run([(Event.SILENT, "b")], start=half).state is State.OPEN
    assert run([(Event.ANSWERED, "b")], start=half).state is State.HALF_OPEN
    assert run([(Event.PROBE_ANSWERED, "b")], start=half).state is State.CLOSED


@given(st.lists(st.tuples(st.sampled_from(Event), st.sampled_from("abcdef")), max_size=80))
def test_it_is_never_open_right_after_a_probe_was_answered(history) -> None:
    """Whatever happened before, an answered probe is the end of `open`."""
    breaker = run(history)
    assert run([(Event.PROBE_ANSWERED, "a")], start=breaker).state is not State.OPEN
    if not any(event is Event.SILENT for event, _ in history):
        assert breaker.state is State.CLOSED
