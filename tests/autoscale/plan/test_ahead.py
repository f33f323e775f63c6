"""Whether everything fits, days ahead."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from autoscale.plan.ahead import shortfalls
from autoscale.plan.model import PoolObserved
from contracts.promotion import PromotedNodes
from tests.autoscale.plan.sales import HOUR, NODES, START, prepared, sale

WEEK_AHEAD = START.timestamp() - 7 * 86400
GIVEN = prepared(sale(nodes=NODES))


def pools(maximum: int | None) -> dict[str, PoolObserved]:
    return {"ads": PoolObserved(ready=3, minimum=3, maximum=maximum)}


def test_a_pool_too_small_is_said_a_week_ahead() -> None:
    """Three are there, ten are to come, seven are allowed: six short, and what to set."""
    found = shortfalls(WEEK_AHEAD, [GIVEN], pools(7))
    (condition,) = found["default/sale"]
    assert (condition.type, condition.subject, condition.shortfall) == ("Infeasible", "ads", 6)
    assert "raise its maximum to 13" in condition.message


def test_what_fits_and_what_is_unknown_is_not_judged() -> None:
    """Exactly enough is enough; no maximum, no verdict; what is over is over."""
    assert shortfalls(WEEK_AHEAD, [GIVEN], pools(13)) == {}
    assert shortfalls(WEEK_AHEAD, [GIVEN], pools(None)) == {}
    assert shortfalls(START.timestamp() + 7200, [GIVEN], pools(7)) == {}


def test_overlapping_ones_share_the_pool() -> None:
    """Each fits alone, both do not: both are told; one that begins when the other has ended is not."""
    other = prepared(sale("other", nodes=NODES))
    later = prepared(
        sale("later", nodes=NODES, lead="0s", start=START + 2 * HOUR, end=START + 4 * HOUR)
    )
    found = shortfalls(WEEK_AHEAD, [GIVEN, other, later], pools(20))
    assert {key: [one.shortfall for one in said] for key, said in found.items()} == {
        "default/sale": [3], "default/other": [3],
    }  # fmt: skip


def test_one_that_only_observes_disturbs_nobody() -> None:
    """It learns that it would not fit; the other is not told."""
    watching = prepared(sale("watching", mode="Observe", nodes=NODES))
    found = shortfalls(WEEK_AHEAD, [GIVEN, watching], pools(20))
    assert list(found) == ["default/watching"]


spans = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 20), st.integers(1, 9)), min_size=1, max_size=12
)


@given(spans, st.integers(0, 30))
def test_the_sweep_is_what_counting_each_hour_finds(
    chosen: list[tuple[int, int, int]], maximum: int
) -> None:
    """For every promotion, the worst hour of its span."""
    every = [
        prepared(
            sale(f"s{n}", lead="0s", start=START + begin * HOUR, end=START + (begin + length) * HOUR,
                 nodes=(PromotedNodes(pool="ads", add=add),))
        )
        for n, (begin, length, add) in enumerate(chosen)
    ]  # fmt: skip
    hours = [
        sum(add for begin, length, add in chosen if begin <= hour < begin + length)
        for hour in range(80)
    ]
    expected = {
        f"default/s{n}": 3 + max(hours[begin : begin + length]) - maximum
        for n, (begin, length, _) in enumerate(chosen)
    }
    found = shortfalls(WEEK_AHEAD, every, pools(maximum))
    assert {key: int(said[0].shortfall) for key, said in found.items()} == {
        key: short for key, short in expected.items() if short > 0
    }


def test_derived_nodes_start_from_what_others_fill() -> None:
    """Replicas are counted whole, so the nodes that they fill already are not added again."""
    derived = prepared()
    assert "ads" not in derived.explicit
    full = {"ads": msgspec.structs.replace(pools(3)["ads"], others=1)}
    assert [one.shortfall for one in shortfalls(WEEK_AHEAD, [derived], full)["default/sale"]] == [1]
