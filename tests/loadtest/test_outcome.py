import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.outcome import (
    ATTEMPTS_MAX,
    Final,
    Retry,
    after_order_attempt,
    history_kind,
    outcome_of,
)

ACTIONS = ["ads", "click", "order", "order_conflict", "profile_put", "profile_get"]


@pytest.mark.parametrize(
    ("action", "expected", "door", "status", "outcome"),
    [
        ("ads", "public", "core", 200, "ok"),
        ("ads", "public", "edge", 421, "failed"),
        ("ads", "public", "edge", 404, "failed"),
        ("ads", "raised", "edge", 421, "ok"),
        ("ads", "raised", "edge", 200, "failed"),
        ("ads", "raised", "core", 200, "ok"),
        ("ads", "raised", "core", 421, "failed"),
        ("click", "public", "core", 202, "ok"),
        ("click", "public", "core", 200, "failed"),
        ("click", "raised", "core", 202, "ok"),
        ("click", "public", "core", 502, "failed"),
        ("order", "sensitive", "core", 201, "ok"),
        ("order", "sensitive", "core", 200, "ok"),
        ("order", "sensitive", "core", 422, "failed"),
        ("order_conflict", "sensitive", "core", 422, "ok"),
        ("order_conflict", "sensitive", "core", 201, "failed"),
        ("profile_put", "sensitive", "core", 201, "ok"),
        ("profile_get", "sensitive", "core", 404, "failed"),
    ],
)
def test_answers_count_as_the_operation_expects(action, expected, door, status, outcome):
    """Each operation has its own right answers; at the edge a raised request must be refused."""
    found = outcome_of(action, expected=expected, door=door, status=status, failure="")
    assert found == outcome


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("status", [429, 503])
def test_shedding_is_shedding_for_all(action, status):
    """429 and 503 are shed, whatever was asked."""
    assert outcome_of(action, expected="public", door="core", status=status, failure="") == "shed"


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("failure", ["refused", "reset", "timeout"])
def test_no_answer_is_unknown_only_for_what_may_not_be_repeated(action, failure):
    """A click whose bytes left is unknown without an answer; all else has failed."""
    found = outcome_of(action, expected="public", door="core", status=0, failure=failure)
    assert found == ("unknown" if action == "click" and failure != "refused" else "failed")


@pytest.mark.parametrize(
    ("status", "failure", "kind"),
    [
        (201, "", "ok"), (200, "", "ok"), (400, "", "fail"), (409, "", "fail"), (422, "", "fail"),
        (429, "", "fail"), (500, "", "info"), (502, "", "info"), (503, "", "info"),
        (0, "refused", "fail"), (0, "reset", "info"), (0, "timeout", "info"),
    ],
)  # fmt: skip
def test_history_says_only_what_is_proven(status, failure, kind):
    """A commit is proven by 2xx, its absence by 4xx or a refused connection, else nothing is."""
    assert history_kind(status=status, failure=failure) == kind


@given(
    st.sampled_from(["ok", "failed", "shed"]),
    st.integers(1, 20),
    st.sampled_from([0, 200, 201, 400, 409, 422, 429, 500, 502, 503]),
    st.floats(0, 30),
)
def test_orders_are_sent_again_within_their_bounds(outcome, attempt, status, elapsed_s):
    """Nothing is repeated that succeeded or was refused for good, or beyond attempts and budget."""
    step = after_order_attempt(
        outcome, attempt=attempt, status=status, elapsed_s=elapsed_s, budget_s=15.0
    )
    if isinstance(step, Retry):
        assert outcome != "ok"
        assert status in {0, 409} or status >= 500
        assert attempt < ATTEMPTS_MAX
        assert 0.05 <= step.delay_s <= 1.0
        assert elapsed_s + step.delay_s < 15.0
    else:
        assert step == Final(outcome)


@pytest.mark.parametrize("status", [0, 409, 500, 502, 503, 504])
def test_an_order_is_sent_again_at_first(status):
    """The first attempt without a final answer is followed by a second after 50 ms."""
    step = after_order_attempt("failed", attempt=1, status=status, elapsed_s=0.1, budget_s=15)
    assert step == Retry(0.05)
