import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.history import LedgerRow, OrderEvent
from loadtest.check_orders import EXAMPLES_MAX, check_orders

FINDINGS = ("lost", "duplicate", "phantom", "mismatch", "idempotency", "unexpected")


def event(kind, key, *, attempt=1, sha="s", order_id="", status=0) -> OrderEvent:
    return OrderEvent(
        kind=kind, key=key, attempt=attempt, mono_ns=0, wall_ms=0, body_sha=sha, order_id=order_id,
        status=status,
    )  # fmt: skip


def row(key, *, order_id="o", sha="s") -> LedgerRow:
    return LedgerRow(key=key, order_id=order_id, body_sha=sha)


def found(check) -> dict[str, int]:
    return {name: getattr(check, name) for name in FINDINGS if getattr(check, name)}


def run_of(rng: random.Random, orders: int):
    """A truthful run: attempts fail, hang or succeed, and the ledger holds what was committed."""
    history: list[OrderEvent] = []
    ledger: list[LedgerRow] = []
    acked: list[str] = []
    for number in range(orders):
        key, sha, order_id = f"k{number}", f"s{number}", f"o{number}"
        committed = False
        for attempt in range(1, rng.randint(2, 5)):
            history.append(event("invoke", key, attempt=attempt, sha=sha))
            fate = rng.choice(["ok", "refused", "hang", "lost answer", "killed"])
            if fate in {"ok", "lost answer"} and not committed:
                committed = True
                ledger.append(row(key, order_id=order_id, sha=sha))
            if fate == "killed":
                continue
            kind = {"ok": "ok", "refused": "fail"}.get(fate, "info")
            named = order_id if kind == "ok" else ""
            history.append(event(kind, key, attempt=attempt, sha=sha, order_id=named))
            if kind == "ok":
                acked.append(key)
                break
    return history, ledger, acked


RUNS = st.integers(0, 2**32).map(lambda seed: run_of(random.Random(seed), 30))


@given(RUNS)
def test_a_truthful_run_has_no_finding(run):
    """Failures, hangs, lost answers and killed workers alone are no violation."""
    history, ledger, acked = run
    check = check_orders(history, ledger)
    assert found(check) == {}
    assert check.invoked == 30
    assert check.acked == len(acked)
    assert check.acked + check.unknown <= check.invoked


@settings(max_examples=60)
@given(RUNS, st.randoms(use_true_random=False))
def test_a_dropped_row_is_lost(run, rng):
    """Taking an acknowledged order out of the ledger is found, and named."""
    history, ledger, acked = run
    if not acked:
        return
    key = rng.choice(acked)
    check = check_orders(history, [one for one in ledger if one.key != key])
    assert found(check) == {"lost": 1}
    assert check.examples == {"lost": (key,)}


@settings(max_examples=60)
@given(RUNS, st.randoms(use_true_random=False), st.booleans())
def test_a_doubled_row_is_a_duplicate(run, rng, same_id):
    """A second row of a key is found, under the same order id or another."""
    history, ledger, _ = run
    if not ledger:
        return
    one = rng.choice(ledger)
    twin = one if same_id else row(one.key, order_id="again", sha=one.body_sha)
    check = check_orders(history, [*ledger, twin])
    assert found(check) == {"duplicate": 1}


@settings(max_examples=60)
@given(RUNS, st.randoms(use_true_random=False))
def test_an_altered_row_is_a_mismatch(run, rng):
    """A row whose body is not the one sent is found."""
    history, ledger, _ = run
    if not ledger:
        return
    at = rng.randrange(len(ledger))
    altered = [
        row(one.key, order_id=one.order_id, sha="altered") if n == at else one
        for n, one in enumerate(ledger)
    ]
    assert found(check_orders(history, altered)) == {"mismatch": 1}


@settings(max_examples=60)
@given(RUNS, st.randoms(use_true_random=False))
def test_an_exchanged_order_id_is_a_mismatch(run, rng):
    """A ledger that names another order than the client was told is found."""
    history, ledger, acked = run
    if not acked:
        return
    key = rng.choice(acked)
    exchanged = [
        row(one.key, order_id="other", sha=one.body_sha) if one.key == key else one
        for one in ledger
    ]
    assert found(check_orders(history, exchanged)) == {"mismatch": 1}


@given(RUNS)
def test_a_row_nobody_sent_is_unexpected(run):
    """A key that was never invoked is found."""
    history, ledger, _ = run
    assert found(check_orders(history, [*ledger, row("stranger")])) == {"unexpected": 1}


def test_a_row_after_definite_failures_is_a_phantom():
    """An order every attempt of which was refused must not be in the ledger."""
    history = [event("invoke", "k"), event("fail", "k", status=422)]
    assert found(check_orders(history, [row("k")])) == {"phantom": 1}


@pytest.mark.parametrize("rows", [[], [row("k")]])
@pytest.mark.parametrize("ending", [[], [event("info", "k", status=502)]])
def test_an_indeterminate_order_may_be_there_or_not(ending, rows):
    """Without a proof either way no or one row is right, and the order is counted unknown."""
    check = check_orders([event("invoke", "k"), *ending], rows)
    assert found(check) == {}
    assert (check.invoked, check.acked, check.unknown) == (1, 0, 1)


def test_an_indeterminate_order_may_not_be_there_twice():
    """Not knowing does not excuse a duplicate."""
    assert found(check_orders([event("invoke", "k")], [row("k"), row("k")])) == {"duplicate": 1}


def test_a_hang_before_a_refusal_is_still_unknown():
    """One lost answer among refusals keeps a row possible."""
    history = [event("invoke", "k"), event("info", "k"), event("invoke", "k"), event("fail", "k")]
    check = check_orders(history, [row("k")])
    assert found(check) == {}
    assert check.unknown == 1


def test_two_answers_that_name_different_orders_break_idempotency():
    """A replay must name the order it replays."""
    history = [
        event("invoke", "k"), event("ok", "k", order_id="o"),
        event("invoke", "k", attempt=2), event("ok", "k", attempt=2, order_id="p"),
    ]  # fmt: skip
    check = check_orders(history, [row("k", order_id="o"), row("k", order_id="p")])
    assert found(check) == {"duplicate": 1, "idempotency": 1}


def test_an_acknowledgement_without_an_order_id_is_a_mismatch():
    """An answer that names no order does not count as agreement."""
    history = [event("invoke", "k"), event("ok", "k")]
    assert found(check_orders(history, [row("k")])) == {"mismatch": 1}


def test_examples_are_cut():
    """A broken run names the first keys, not all of them."""
    history = [e for n in range(50) for e in (event("invoke", f"k{n}"), event("ok", f"k{n}"))]
    check = check_orders(history, [])
    assert check.lost == 50
    assert len(check.examples["lost"]) == EXAMPLES_MAX
