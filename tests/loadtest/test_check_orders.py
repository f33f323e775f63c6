import random

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.history import LedgerRow, OrderEvent
from loadtest.check_orders import EXAMPLES_MAX, check_orders

FINDINGS = (
    "lost", "duplicate", "phantom", "mismatch", "idempotency", "unexpected", "misplaced",
)  # fmt: skip


def event(kind, key, *, attempt=1, sha="s", order_id="", status=0) -> OrderEvent:
    return OrderEvent(
        kind=kind, key=key, attempt=attempt, mono_ns=0, wall_ms=0, body_sha=sha, order_id=order_id,
        status=status,
    )  # fmt: skip


def row(key, *, order_id="o", sha="s", site="") -> LedgerRow:
    return LedgerRow(key=key, order_id=order_id, body_sha=sha, site=site)


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


PRIVATE = frozenset({"private"})


def altered(one, **changes):
    return msgspec.structs.replace(one, **changes)


def lose(run, rng):
    history, ledger, acked = run
    key = rng.choice(acked)
    return history, [one for one in ledger if one.key != key]


def double(run, rng):
    history, ledger, _ = run
    return history, [*ledger, altered(rng.choice(ledger), order_id="again")]


def alter_body(run, rng):
    history, ledger, _ = run
    at = rng.randrange(len(ledger))
    return history, [
        altered(one, body_sha="other") if n == at else one for n, one in enumerate(ledger)
    ]


def exchange_ids(run, rng):
    history, ledger, acked = run
    key = rng.choice(acked)
    return history, [altered(one, order_id="other") if one.key == key else one for one in ledger]


def invent(run, rng):
    history, ledger, _ = run
    return history, [*ledger, row("stranger", site="private")]


def move(run, rng):
    history, ledger, _ = run
    at = rng.randrange(len(ledger))
    return history, [
        altered(one, site="public") if n == at else one for n, one in enumerate(ledger)
    ]


def deny(run, rng):
    """Every attempt of a committed order is told to have failed for sure."""
    history, ledger, acked = run
    key = rng.choice(acked)
    kept = [one for one in history if one.key != key]
    return [*kept, event("invoke", key, sha=f"s{key[1:]}"), event("fail", key, status=422)], ledger


def answer_twice(run, rng):
    """A replay that names another order, which the ledger does hold under the key."""
    history, ledger, acked = run
    key = rng.choice(acked)
    sha = f"s{key[1:]}"
    again = [
        event("invoke", key, attempt=9, sha=sha),
        event("ok", key, attempt=9, sha=sha, order_id="z"),
    ]
    return [*history, *again], [*ledger, row(key, order_id="z", sha=sha, site="private")]


MUTATIONS = {
    "lost": [lose],
    "duplicate": [double],
    "mismatch": [alter_body, exchange_ids],
    "unexpected": [invent],
    "misplaced": [move],
    "phantom": [deny],
}
BY_CLASS = [(name, mutate) for name, mutations in MUTATIONS.items() for mutate in mutations]


def placed(run):
    history, ledger, acked = run
    return history, [altered(one, site="private") for one in ledger], acked


@pytest.mark.parametrize(
    ("name", "mutate"), BY_CLASS, ids=[f"{n}-{m.__name__}" for n, m in BY_CLASS]
)
@settings(max_examples=40)
@given(run=RUNS.map(placed), rng=st.randoms(use_true_random=False))
def test_each_mutation_of_a_clean_run_is_found_as_its_own_class(name, mutate, run, rng):
    """One change to a truthful run is one finding, of exactly its class."""
    assume(run[2])
    assert found(check_orders(*run[:2], may_hold=PRIVATE)) == {}
    assert found(check_orders(*mutate(run, rng), may_hold=PRIVATE)) == {name: 1}


@settings(max_examples=40)
@given(run=RUNS.map(placed), rng=st.randoms(use_true_random=False))
def test_two_orders_under_one_key_break_idempotency_and_are_two_rows(run, rng):
    """Both answers were true to the ledger, so nothing is lost or mismatched."""
    assume(run[2])
    assert found(check_orders(*answer_twice(run, rng), may_hold=PRIVATE)) == {
        "idempotency": 1, "duplicate": 1,
    }  # fmt: skip


def test_every_class_has_a_mutation():
    """No class is without a way to provoke it."""
    assert {*MUTATIONS, "idempotency"} == set(FINDINGS)


@given(RUNS, st.randoms(use_true_random=False))
def test_the_order_of_workers_files_does_not_matter(run, rng):
    """Keys are whole within a worker; between workers any interleaving is the same history."""
    history, ledger, _ = run
    keys = sorted({one.key for one in history})
    rng.shuffle(keys)
    again = [one for key in keys for one in history if one.key == key]
    rng.shuffle(ledger)
    assert check_orders(again, ledger) == check_orders(history, ledger)


def test_a_key_on_two_wrong_sites_is_misplaced_once():
    """Keys are counted, as an auditor would; a key that was never sent too."""
    history = [event("invoke", "k"), event("ok", "k", order_id="o")]
    rows = [row("k", site="public"), row("k", site="edge"), row("x", site="public")]
    assert found(check_orders(history, rows, may_hold=PRIVATE)) == {
        "misplaced": 2, "duplicate": 1, "unexpected": 1,
    }  # fmt: skip
    assert found(check_orders(history, rows[:1])) == {}
