"""Letting go."""

from datetime import UTC, datetime

import pytest

from autoscale.plan.release import release, terms_of
from contracts.promotion import Budget, Release
from tests.autoscale.plan.sales import MINUTE, NODES, START, claims, prepared, sale, seen

ENDED = START.timestamp() + 2 * 3600
HELD = {"floor": 14, "ready": 14, "replicas": 14, "baseline": 4}


def at(seconds_s: float) -> datetime:
    return datetime.fromtimestamp(seconds_s, UTC)


def test_nothing_is_lowered_before_the_end() -> None:
    """However quiet it is, and although the need has become smaller."""
    decision = release(ENDED - 60, seen(**HELD), claims(prepared()), 10)
    assert (decision.action, decision.floor) == ("hold", 14)
    assert "before the end" in decision.reason


def test_quiet_traffic_lets_one_step_go() -> None:
    """A quarter of fourteen is three."""
    decision = release(ENDED, seen(**HELD), claims(ended=(prepared(),)), 4)
    assert (decision.action, decision.floor) == ("lower", 11)


def test_the_next_step_waits() -> None:
    """Two minutes by default; at the second it comes."""
    for age, action in ((1, "hold"), (2, "lower")):
        held = seen(**HELD, floor_since=at(ENDED))
        decision = release(ENDED + age * 60, held, claims(ended=(prepared(),)), 4)
        assert decision.action == action


def test_traffic_holds_what_it_needs() -> None:
    """680 requests/s are 70 % of what 12 replicas carry: it goes to 12 and no further."""
    busy = {"demand": 100.0, "demand_high": 680.0}
    one = claims(ended=(prepared(),))
    first = release(ENDED, seen(**HELD, **busy), one, 4)
    assert (first.action, first.floor) == ("lower", 12)
    second = release(ENDED + 120, seen(**(HELD | {"floor": 12}), **busy), one, 4)
    assert (second.action, second.floor) == ("hold", 12)
    assert "live traffic" in second.reason


@pytest.mark.parametrize("blind", [{"demand": None}, {"demand_high": None}])
def test_missing_metrics_hold(blind: dict[str, None]) -> None:
    """Even after the longest hold: nothing says that traffic is gone."""
    decision = release(ENDED + 7 * 3600, seen(**HELD | blind), claims(ended=(prepared(),)), 4)
    assert (decision.action, decision.floor) == ("hold", 14)
    assert "metrics are missing" in decision.reason


def test_a_spent_budget_lets_go_without_metrics() -> None:
    """Money is the one thing that ends a blind hold; what the HPA asks for is kept."""
    poor = prepared(sale(nodes=NODES, budget=Budget(node_hours=26.0)))
    decision = release(
        poor.hold_until_s, seen(**HELD, wanted=14), claims(ended=(poor,)), 4
    )  # fmt: skip
    assert decision.action == "hold"
    blind = seen(**HELD | {"demand": None, "wanted": 12})
    decision = release(poor.hold_until_s, blind, claims(ended=(poor,)), 4)
    assert (decision.action, decision.floor) == ("lower", 12)


def test_after_the_longest_hold_only_the_load_counts() -> None:
    """850 requests/s need 10 replicas; the margin of 70 % no longer keeps 15."""
    busy = {"demand": 850.0, "demand_high": 850.0}
    one = claims(ended=(prepared(),))
    assert release(ENDED + 3600, seen(**HELD, **busy), one, 4).action == "hold"
    decision = release(ENDED + 6 * 3600, seen(**HELD, **busy), one, 4)
    assert (decision.action, decision.floor) == ("lower", 11)


def test_the_baseline_comes_back_exactly() -> None:
    """The last step restores, and a floor already there is restored as well."""
    low = seen(**(HELD | {"floor": 5}))
    one = claims(ended=(prepared(),))
    assert release(ENDED, low, one, 4).action == "restore"
    assert release(ENDED, low, one, 4).floor == 4
    assert release(ENDED, seen(**(HELD | {"floor": 4})), claims(), 4).action == "restore"


def test_an_ended_one_lets_go_beside_one_that_goes_on() -> None:
    """Down to what the other needs, never to the baseline."""
    both = claims(prepared(sale("other")), ended=(prepared(),))
    decision = release(ENDED, seen(**(HELD | {"floor": 11})), both, 10)
    assert (decision.action, decision.floor) == ("lower", 10)
    assert release(ENDED, seen(**(HELD | {"floor": 10})), both, 10).action == "hold"


def test_without_a_promotion_the_measured_capacity_decides() -> None:
    """It was deleted: live demand by capacity, else the HPA's own wish with the margin, else held."""
    held = HELD | {"demand": 765.0, "demand_high": 765.0}
    assert release(ENDED, seen(**held, capacity=100.0), claims(), 4).floor == 13
    assert release(ENDED, seen(**held, wanted=9), claims(), 4).floor == 13
    assert release(ENDED, seen(**held), claims(), 4).action == "hold"
    assert release(ENDED, seen(**HELD, desired=20), claims(ended=(prepared(),)), 4).action == "hold"


def test_of_several_the_most_careful_word_counts() -> None:
    """Longest hold, smallest step, lowest threshold, slowest pace."""
    careful = Release(below=0.5, step="10%", every="5m", max_hold="9h")
    terms = terms_of(ENDED, [prepared(), prepared(sale("other", release=careful))])
    assert (terms.below, terms.percent, terms.every_s) == (0.5, 10, 300)
    assert terms.hold_until_s == ENDED + 9 * 3600
    assert terms_of(ENDED, []).hold_until_s is None
    assert not terms.budget_over
    assert MINUTE.total_seconds() * 2 == terms_of(ENDED, []).every_s
