"""Twin of marketing/drops.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing.drops import Drops, DropTally, chosen

keys = st.text(min_size=1, max_size=20)


@given(keys, st.integers(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_chooses_every_key_a_smaller_one_did(
    key: str, seed: int, one: float, other: float
) -> None:
    """Choice is by seed and key alone, monotonic in the share, nothing at 0, everything at 1."""
    small, large = sorted((one, other))
    assert not chosen(Drops(share=small, seed=seed), key) or chosen(
        Drops(share=large, seed=seed), key
    )
    assert not chosen(Drops(share=0.0, seed=seed), key)
    assert chosen(Drops(share=1.0, seed=seed), key)


def test_the_share_is_met() -> None:
    """Of many keys about the share is chosen."""
    drops = Drops(share=0.02, seed=7)
    assert 150 < sum(chosen(drops, f"key-{n}") for n in range(10_000)) < 250


@given(st.integers(1, 5), st.lists(keys, max_size=40))
def test_only_the_first_attempts_of_a_key_are_lost(attempts: int, requests: list[str]) -> None:
    """Each key loses min(attempts, requests) answers, then gets through."""
    tally = DropTally()
    tally.arm(Drops(share=1.0, attempts=attempts))
    lost = [key for key in requests if tally.takes(key)]
    assert {key: lost.count(key) for key in requests} == {
        key: min(attempts, requests.count(key)) for key in requests
    }
    assert tally.dropped == len(lost)


def test_a_heal_keeps_the_count_and_a_new_fault_resets_it() -> None:
    """After share 0 nothing is lost and the count can still be read."""
    tally = DropTally()
    tally.arm(Drops(share=1.0))
    assert tally.takes("a")
    tally.arm(Drops())
    assert not tally.takes("b")
    assert tally.dropped == 1
    tally.arm(Drops(share=1.0))
    assert tally.dropped == 0
    assert tally.takes("a")


@pytest.mark.parametrize(
    "wrong", [{"share": 1.1}, {"share": -0.1}, {"share": float("nan")}, {"attempts": 0}]
)
def test_arguments_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    """Shares lie between 0 and 1, attempts start at 1."""
    with pytest.raises(ValueError, match="expected"):
        Drops(**wrong)
