"""Which writes may be tried now."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscale.control.workqueue import BURST, PAUSE_S_MAX, RATE, SPARE, WorkQueue


def test_a_key_that_failed_waits_longer_each_time_and_others_do_not() -> None:
    """Doubling from a tenth of a second to a minute, by key."""
    queue, now, pauses = WorkQueue(), 100.0, list[float]()
    for _ in range(14):
        assert queue.admits("a", now)
        queue.failed("a", now)
        assert queue.admits("b", now)
        pause = queue.wake_s(now)
        assert pause is not None
        assert not queue.admits("a", now + pause - 0.01)
        pauses.append(pause)
        now += pause
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8] or all(
        abs(one - wanted) < 1e-6 for one, wanted in zip(pauses, (0.1, 0.2, 0.4, 0.8), strict=False)
    )
    assert pauses[-1] == PAUSE_S_MAX
    queue.done("a")
    assert queue.wake_s(now) is None


def test_what_the_server_asks_for_is_waited_for() -> None:
    """Retry-After counts where it is longer than our own pause."""
    queue = WorkQueue()
    queue.failed("a", 0.0, at_least_s=7.0)
    assert not queue.admits("a", 6.9)
    assert queue.admits("a", 7.0)


def test_a_failure_nobody_asks_for_any_more_wakes_nobody() -> None:
    """It is forgotten in the first pass after it was due; one that is asked for too early is not."""
    queue = WorkQueue()
    for key in "ab":
        assert queue.admits(key, 0.0)
        queue.failed(key, 0.0)
    assert queue.wake_s(0.0) == 0.1
    assert not queue.admits("a", 0.05)
    assert queue.wake_s(0.2) == 0.0
    queue.failed("a", 0.2)
    assert queue.wake_s(0.2) == pytest.approx(0.2)
    assert queue.wake_s(0.5) is None


@given(st.lists(st.floats(0, 5), max_size=300))
def test_over_any_time_no_more_is_written_than_the_bucket_holds(pauses: list[float]) -> None:
    """At most the burst, and the rate since the start."""
    queue, now, admitted = WorkQueue(), 1000.0, 0
    for pause in pauses:
        now += pause
        admitted += sum(queue.admits(f"k{n}", now) for n in range(30))
        assert admitted <= BURST + RATE * (now - 1000.0) + 1e-6


def test_an_empty_bucket_says_when_it_has_one_again() -> None:
    """The loop wakes for it, once."""
    queue = WorkQueue(rate=2, burst=1)
    assert queue.admits("a", 10.0)
    assert not queue.admits("b", 10.0)
    assert queue.wake_s(10.0) == 0.5
    assert queue.wake_s(10.0) is None
    assert queue.admits("b", 10.5)


def test_what_is_only_said_leaves_tokens_to_what_is_done() -> None:
    """Half the burst is kept for floors, and a second later there is more."""
    queue = WorkQueue(rate=10, burst=100)
    said = sum(queue.admits(f"s{n}", 5.0, spare=SPARE) for n in range(100))
    assert said == 50
    assert queue.wake_s(5.0) == 0.1
    assert sum(queue.admits(f"f{n}", 5.0) for n in range(100)) == 50
    assert not queue.admits("s", 6.0, spare=SPARE)
    assert queue.admits("f", 6.0)
