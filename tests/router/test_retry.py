"""Retries: what may be repeated where, and how much of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.retry import FLOOR, IDEMPOTENT, SHARE, WINDOW_S, Budget, Scope, scope


@pytest.mark.parametrize("method", sorted(IDEMPOTENT))
def test_idempotent_methods_may_be_repeated_anywhere(method: str) -> None:
    """RFC 9110 §9.2.2."""
    assert scope(method, keyed=False, ledger_shared=False) is Scope.ANY


@pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK"])
def test_others_only_with_a_key_and_then_where_the_key_is_known(method: str) -> None:
    """A key is known to one site's ledger, to all when they share it, and without one nothing repeats."""
    assert scope(method, keyed=False, ledger_shared=True) is Scope.NOWHERE
    assert scope(method, keyed=True, ledger_shared=False) is Scope.SAME_SITE
    assert scope(method, keyed=True, ledger_shared=True) is Scope.ANY


def test_ten_are_always_allowed_and_no_more_without_requests() -> None:
    """The floor lets a quiet router retry; it is spent once."""
    budget = Budget()
    assert [budget.take(1000.0) for _ in range(FLOOR + 1)] == [True] * FLOOR + [False]


def test_requests_earn_a_fifth() -> None:
    """A hundred requests earn twenty retries."""
    budget = Budget()
    for _ in range(100):
        budget.note_request(1000.0)
    assert sum(budget.take(1000.5) for _ in range(100)) == 20


def test_what_was_earned_is_gone_after_ten_seconds() -> None:
    """The window slides."""
    budget = Budget()
    for _ in range(1000):
        budget.note_request(1000.0)
    for _ in range(FLOOR):
        budget.take(1000.0)
    assert budget.available(1009.9)
    assert sum(budget.take(1011.0) for _ in range(100)) == FLOOR


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 4)), max_size=200))
def test_retries_never_exceed_the_share_of_the_window(history) -> None:
    """In every ten seconds retries are at most a fifth of the requests, or ten, whichever is more."""
    budget, now_s = Budget(), 50.0
    requests: list[int] = []
    retries: list[int] = []
    for is_request, later_s in history:
        now_s += later_s
        if is_request:
            budget.note_request(now_s)
            requests.append(int(now_s))
        elif budget.take(now_s):
            retries.append(int(now_s))
        window = range(int(now_s) - WINDOW_S + 1, int(now_s) + 1)
        earned = sum(second in window for second in requests)
        assert sum(second in window for second in retries) < max(FLOOR, SHARE * earned) + 1


def test_a_clock_that_goes_backwards_breaks_nothing() -> None:
    """Adversarial: time before the last seen second counts as that second."""
    budget = Budget()
    budget.note_request(1000.0)
    assert budget.take(10.0)
