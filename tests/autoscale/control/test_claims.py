"""The record of what there was: every case of the table, and what follows from it."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from autoscale.control.claims import LOST, Claim, Held, Word, entries_after, record_of, word_of
from autoscale.targets.managed import Owner, Ownership
from autoscale.targets.workloads import KINDS, Target
from contracts.promotion import Baseline

NOW = datetime(2026, 11, 11, 12, tzinfo=UTC)
KEY = "HorizontalPodAutoscaler/ads/x"
HUMAN, ARGO = Owner("kubectl-create", declares=False), Owner("argocd", declares=True)
ENTRY = Baseline(workload=KEY, floor=4, ceiling=20, manager="kubectl-create", since=NOW)
WRITTEN = msgspec.structs.replace(ENTRY, written=12)


def target(
    *,
    ours: bool = False,
    floor: int = 4,
    others: tuple[Owner, ...] = (HUMAN,),
    autoscaler: str = "",
) -> Target:
    owns = Ownership(ours=ours, others=() if ours else others, changed_at=NOW if ours else None)
    return Target(
        key=KEY, namespace="ads", name="x", fields=KINDS["HorizontalPodAutoscaler"], version="7", floor=floor,
        ceiling=20, replicas=4, ready=4, desired=4, owns_floor=owns, owns_ceiling=owns, autoscaler=autoscaler,
    )  # fmt: skip


def claim(entry: Baseline = ENTRY, *, current: bool = True) -> Claim:
    return Claim("ads/sale", entry, current)


@pytest.mark.parametrize(
    ("seen", "claims", "baseline", "owner"),
    [
        (target(), [], None, ""),
        (target(others=(ARGO,)), [], None, "argocd"),
        (target(others=(HUMAN, ARGO)), [], None, "argocd"),
        (target(others=()), [], None, ""),
        (target(autoscaler="ScaledObject/x"), [], None, "ScaledObject/x"),
        (target(), [claim()], ENTRY, ""),
        (target(floor=5), [claim()], ENTRY, "kubectl-create"),
        (target(others=(ARGO,)), [claim()], ENTRY, "argocd"),
        (target(ours=True, floor=12), [claim(WRITTEN)], WRITTEN, ""),
        (target(ours=True, floor=12), [claim(WRITTEN, current=False)], WRITTEN, ""),
        (target(ours=True, floor=12), [], None, LOST),
        (target(floor=7), [claim(WRITTEN)], WRITTEN, "kubectl-create"),
        (target(), [claim(WRITTEN)], WRITTEN, "kubectl-create"),
        (target(others=()), [claim(WRITTEN)], WRITTEN, "somebody who left no name"),
        (target(), [claim(WRITTEN, current=False)], None, ""),
    ],
)  # fmt: skip
def test_each_case_of_the_table(
    seen: Target, claims: list[Claim], baseline: Baseline | None, owner: str
) -> None:
    """Recorded or not, ours or not, written or not: one answer each."""
    assert word_of(seen, claims) == Word(baseline=baseline, owner=owner)


def test_of_several_records_the_oldest_counts() -> None:
    """The second promotion copied the first one's; what was measured under a raised floor is no baseline."""
    later = msgspec.structs.replace(ENTRY, floor=12, since=NOW + timedelta(hours=1))
    assert word_of(target(ours=True), [claim(later), claim()]).baseline == ENTRY


def after(
    entries: tuple[Baseline, ...], seen: Target | None, *, word: Word, **held: bool
) -> tuple[Baseline, ...]:
    how = {"holds": True, "raises": True, "elsewhere": False} | held
    targets = {} if seen is None else {KEY: seen}
    return entries_after(entries, targets, words={KEY: word}, held={KEY: Held(**how)}, now=NOW)


NOTHING = Word(baseline=None, owner="")


def test_a_record_is_made_before_a_floor_is_raised_and_not_otherwise() -> None:
    """Floor, ceiling and whose it was; nothing where nothing will be written."""
    assert after((), target(), word=NOTHING) == (ENTRY,)
    assert after((), target(), word=NOTHING, raises=False) == ()
    assert after((), target(), word=NOTHING, holds=False) == ()
    assert after((), None, word=NOTHING) == ()


def test_a_second_promotion_takes_over_the_record_of_the_first() -> None:
    """Also when nothing more is raised: the first one may go."""
    word = Word(baseline=ENTRY, owner="")
    assert after((), target(ours=True, floor=12), word=word, raises=False) == (WRITTEN,)


def test_what_stands_is_noted_and_what_was_restored_is_forgotten() -> None:
    """`written` follows the floor while it is ours; a record whose floor is not ours goes once nobody holds."""
    word = Word(baseline=ENTRY, owner="")
    assert after((ENTRY,), target(ours=True, floor=12), word=word) == (WRITTEN,)
    assert after((WRITTEN,), target(ours=True, floor=12), word=word, holds=False) == (WRITTEN,)
    assert after((WRITTEN,), target(), word=word, holds=False) == ()
    assert after((WRITTEN,), target(floor=7), word=word) == (WRITTEN,)


def test_a_record_that_another_holder_has_too_is_not_needed_twice() -> None:
    """An ended promotion lets it go while a later one holds the workload."""
    word = Word(baseline=WRITTEN, owner="")
    ours = target(ours=True, floor=12)
    assert after((WRITTEN,), ours, word=word, holds=False, elsewhere=True) == ()
    assert after((WRITTEN,), ours, word=word, holds=True, elsewhere=True) == (WRITTEN,)


def test_a_workload_that_is_gone_keeps_its_record_while_it_is_needed() -> None:
    """It may be made anew; afterwards there is nothing to restore."""
    assert after((ENTRY,), None, word=NOTHING) == (ENTRY,)
    assert after((ENTRY,), None, word=NOTHING, holds=False) == ()


def test_the_record_tells_whole_seconds() -> None:
    """It is written as RFC 3339 and read back equal."""
    made = record_of(target(others=()), NOW.replace(microsecond=7))
    assert made.since == NOW
    assert made.manager == ""
