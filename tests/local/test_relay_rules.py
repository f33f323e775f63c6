"""Twin of local/relay_rules.py."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.relay_rules import (
    PIECE_BYTES_MIN,
    WHOLE,
    Rule,
    Shaper,
    Way,
    piece_bytes,
    rule_of,
    terms_of,
)


def test_a_request_becomes_a_rule() -> None:
    """What is named holds, what is left out does not happen."""
    rule = rule_of({"id": "01", "listeners": "ad-*", "delay_ms": 150, "direction": "down"})
    assert (rule.delay_ms, rule.direction, rule.hole) == (150.0, "down", False)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"delay_ms": 1}, "id"),
        ({"id": "1"}, "expected delay_ms"),
        ({"id": "1", "delay_ms": -1}, ">= 0"),
        ({"id": "1", "drop_share": 1.5}, "<= 1"),
        ({"id": "1", "hole": True, "direction": "left"}, "direction"),
        ({"id": "1", "dealy_ms": 3}, "dealy_ms"),
    ],
)
def test_a_bad_rule_says_what_was_expected(args: dict[str, object], expected: str) -> None:
    """Nothing is guessed: an unknown key or a rule that does nothing is refused."""
    with pytest.raises(ValueError, match=expected):
        rule_of(args)


def test_rules_add_up_where_they_name_the_listener() -> None:
    """Delays add, the smallest rate and the largest share count, a hole of one way stays of one way."""
    rules = (
        Rule(id="1", listeners="ad-*", delay_ms=100, rate_bytes_s=9000),
        Rule(id="2", delay_ms=50, jitter_ms=20, rate_bytes_s=4000, direction="up"),
        Rule(id="3", listeners="ad-1", hole=True, direction="down", drop_share=0.3),
        Rule(id="4", listeners="ad-2", reset=True, drop_share=0.1),
    )
    one = terms_of(rules, "ad-1")
    assert one.up == Way(delay_s=0.15, jitter_s=0.02, rate_bytes_s=4000)
    assert one.down == Way(delay_s=0.1, rate_bytes_s=9000, hole=True)
    assert (one.drop_share, one.reset, one.closed) == (0.3, False, False)
    assert terms_of(rules, "ad-2").reset
    assert terms_of(rules, "kafka").down == Way()
    assert terms_of((), "ad-1") == WHOLE
    assert terms_of((Rule(id="5", hole=True, direction="up"),), "kafka").closed


@given(
    way=st.builds(
        Way,
        delay_s=st.floats(0, 2),
        jitter_s=st.floats(0, 1),
        rate_bytes_s=st.integers(0, 100_000),
    ),
    sizes=st.lists(st.tuples(st.integers(1, 5000), st.floats(0, 0.5)), min_size=1, max_size=20),
)
def test_bytes_stay_in_order_and_within_the_terms(way: Way, sizes: list[tuple[int, float]]) -> None:
    """Never early, never before an earlier one, never faster than the rate; late by the jitter at most."""
    shaper, now_s, last_s, total = Shaper(random.Random(1)), 0.0, 0.0, 0
    for size, pause_s in sizes:
        now_s += pause_s
        total += size
        due_s = shaper.due_s(way, size, now_s=now_s)
        assert due_s >= max(last_s, now_s + way.delay_s)
        if way.rate_bytes_s:
            assert due_s + 1e-9 >= total / way.rate_bytes_s
        else:
            assert due_s <= now_s + way.delay_s + way.jitter_s + max(0.0, last_s - now_s)
        last_s = due_s


def test_pieces_are_small_only_under_a_rate() -> None:
    """Without a rate a block stays whole; under one it leaves a little at a time."""
    assert piece_bytes(Way(delay_s=1), 70_000) == 70_000
    assert piece_bytes(Way(rate_bytes_s=100_000), 70_000) == 2000
    assert piece_bytes(Way(rate_bytes_s=1), 70_000) == PIECE_BYTES_MIN
