"""Twin of chaos/decide.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.decide import (
    Advance,
    Ends,
    Refusal,
    Victims,
    advance_of,
    between_records_and_progress,
    choose_victims,
    is_due,
    open_transactions,
)
from contracts.fault import Lease

names = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=40, unique=True)


@given(names, st.floats(0.01, 1.0), st.integers(), st.integers(0, 5))
def test_victims_are_a_distinct_seeded_share(
    population: list[str], share: float, seed: int, healthy_min: int
) -> None:
    """At least one, at most the share, all distinct members, the same for the same seed, enough left."""
    chosen = choose_victims(population, share=share, seed=seed, healthy_min=healthy_min)
    assert chosen == choose_victims(population, share=share, seed=seed, healthy_min=healthy_min)
    match chosen:
        case Victims(names=victims):
            assert 1 <= len(victims) <= max(1, share * len(population) + 1e-6)
            assert len(set(victims)) == len(victims)
            assert set(victims) <= set(population)
            assert len(population) - len(victims) >= healthy_min
        case Refusal(reason=reason):
            assert "expected" in reason


@pytest.mark.parametrize(
    ("nodes", "share", "count"),
    [(10, 0.3, 3), (9, 0.3, 2), (1, 0.3, 1), (100, 0.29, 29), (3, 1, 3)],
)
def test_the_share_is_rounded_down_but_never_to_nothing(
    nodes: int, share: float, count: int
) -> None:
    """30 % of ten are three, of nine two, of one one; 29 % of a hundred are 29."""
    chosen = choose_victims([f"n{n}" for n in range(nodes)], share=share, seed=1, healthy_min=0)
    assert isinstance(chosen, Victims)
    assert len(chosen.names) == count


def test_every_node_is_a_victim_of_some_seed() -> None:
    """No node is spared by construction."""
    population = [f"n{n}" for n in range(10)]
    hit: set[str] = set()
    for seed in range(60):
        chosen = choose_victims(population, share=0.3, seed=seed, healthy_min=1)
        assert isinstance(chosen, Victims)
        hit |= set(chosen.names)
    assert hit == set(population)


@pytest.mark.parametrize(
    ("population", "share", "healthy_min"),
    [
        ([], 0.3, 0),
        (["a"], 0.3, 1),
        (["a", "b"], 0.0, 0),
        (["a", "b"], 1.1, 0),
        (["a", "b"], 1.0, 1),
    ],
)
def test_a_fault_that_proves_nothing_or_too_much_is_refused(
    population: list[str], share: float, healthy_min: int
) -> None:
    """Nobody to hit, a senseless share, or too few survivors: a refusal that says what was expected."""
    chosen = choose_victims(population, share=share, seed=1, healthy_min=healthy_min)
    assert isinstance(chosen, Refusal)


def lease(expires_wall_s: float) -> Lease:
    return Lease(
        id="01-link_cut", kind="link_cut", targets=("s",), params={}, cloud="c", runner_pid=1,
        runner_start_ticks=1, created_wall_s=0.0, expires_wall_s=expires_wall_s,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("now_s", "alive", "due"),
    [(9.9, True, False), (10.0, True, True), (11.0, True, True), (0.0, False, True)],
)
def test_a_lease_is_due_at_its_end_or_its_runners(*, now_s: float, alive: bool, due: bool) -> None:
    """The runner heals its own until the time is up; a dead runner's are due at once."""
    assert is_due(lease(10.0), now_wall_s=now_s, runner_alive=alive) is due


AT = ("t", 0)


@pytest.mark.parametrize(
    ("before", "now", "is_open"),
    [
        (Ends(5, 5), Ends(5, 5), False),
        (Ends(5, 5), Ends(5, 7), True),
        (Ends(5, 7), Ends(5, 7), False),  # may be a dead writer's
        (Ends(5, 7), Ends(8, 9), True),  # that one ended, this one is new
        (Ends(5, 7), Ends(9, 9), False),
        (None, Ends(0, 1), True),
    ],
)
def test_an_open_transaction_is_one_that_began_while_we_watched(
    *, before: Ends | None, now: Ends, is_open: bool
) -> None:
    """The stable end lies below the high end, and not since before we looked."""
    seen = open_transactions({} if before is None else {AT: before}, {AT: now})
    assert seen == ((AT,) if is_open else ())


def test_progress_and_the_records_it_tells_of_are_summed_apart() -> None:
    """A progress topic names its topic; what others write to the same broker is not counted."""
    offsets = {
        ("public.clicks", 0): Ends(10, 10),
        ("public.clicks", 1): Ends(3, 4),
        ("clicks", 0): Ends(100, 100),
        ("west.clicks.progress", 0): Ends(2, 2),
        ("west.meta", 0): Ends(1, 1),
    }
    assert advance_of(offsets) == Advance(records=14, progress=2)


@pytest.mark.parametrize(
    ("now", "between"),
    [(Advance(records=5, progress=2), False), (Advance(records=6, progress=2), True),
     (Advance(records=6, progress=3), False), (Advance(records=5, progress=3), False)],
)  # fmt: skip
def test_records_without_their_progress_are_the_moment_to_kill(
    *, now: Advance, between: bool
) -> None:
    """Only more records at unchanged progress count."""
    assert between_records_and_progress(Advance(records=5, progress=2), now) is between
