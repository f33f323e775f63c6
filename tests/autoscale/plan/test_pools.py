"""Nodes of one pool."""

from datetime import datetime

from autoscale.plan.claims import Standing
from autoscale.plan.model import Observed, PoolObserved
from autoscale.plan.pools import Held, cooling, holds_nodes, pool_of
from autoscale.plan.prepare import Prepared
from contracts.promotion import Budget
from tests.autoscale.plan.sales import (
    ADS,
    HOUR,
    NODES,
    START,
    observed,
    prepared,
    sale,
    world,
)

AT = START.timestamp()
GIVEN = sale(nodes=NODES)


def pool(
    *promotions: Prepared, what: Observed, at: datetime = START, need: int | None = None
) -> Held:
    need = need if need is not None else 10 if at < START + 2 * HOUR else 0
    return pool_of(
        world(at, what),
        "ads",
        promotions,
        running={ADS: 4},
        standing={ADS: Standing(need, what.workloads[ADS].floor)},
    )


def test_ten_more_nodes_are_ten_more_than_there_were() -> None:
    """Three were there: thirteen; two promotions of ten: twenty-three."""
    held = pool(prepared(GIVEN), what=observed())
    assert (held.plan.nodes, held.plan.added, held.plan.short) == (13, 10, 0)
    both = pool(prepared(GIVEN), prepared(sale("other", nodes=NODES)), what=observed())
    assert both.plan.nodes == 23
    assert both.by_promotion == {"default/sale": 10, "default/other": 10}


def test_nodes_that_came_meanwhile_are_not_counted_twice() -> None:
    """What was there is what was recorded, not what is there now."""
    grown = observed(PoolObserved(ready=13, minimum=13, maximum=100, baseline=3, baseline_ready=3))
    assert pool(prepared(GIVEN), what=grown).plan.nodes == 13


def test_the_maximum_takes_what_is_over_it() -> None:
    """Four more fit: six are short."""
    tight = observed(PoolObserved(ready=3, minimum=3, maximum=7))
    held = pool(prepared(GIVEN), what=tight)
    assert (held.plan.nodes, held.plan.short, held.by_promotion) == (7, 6, {"default/sale": 4})
    assert "maximum is 7" in held.plan.reason
    unknown = observed(PoolObserved(ready=3, minimum=3))
    assert pool(prepared(GIVEN), what=unknown).plan.nodes == 13


def test_without_a_number_nodes_follow_replicas() -> None:
    """Ten replicas, four on a node, one node full of others: four; they were three."""
    busy = observed(PoolObserved(ready=3, minimum=2, maximum=100, others=1))
    held = pool(prepared(), what=busy)
    assert (held.plan.nodes, held.by_promotion) == (4, {"default/sale": 1})


def test_given_and_derived_nodes_add_up() -> None:
    """Ten given, and three that replicas fill, which were there."""
    held = pool(prepared(), prepared(sale("other", nodes=NODES)), what=observed())
    assert held.plan.nodes == 13


def test_nodes_go_when_replicas_have_gone() -> None:
    """After the end they stay while a floor stands above the baseline, then the minimum is restored."""
    there = PoolObserved(ready=13, minimum=13, maximum=100, baseline=3, baseline_ready=3)
    late = START + 3 * HOUR
    cooling_down = pool(prepared(GIVEN), what=observed(there, floor=9, baseline=4), at=late)
    assert (cooling_down.plan.nodes, cooling_down.plan.restore) == (13, False)
    done = pool(prepared(GIVEN), what=observed(there, baseline=4), at=late)
    assert (done.plan.nodes, done.plan.restore, done.by_promotion) == (3, True, {})
    untouched = pool(prepared(GIVEN), what=observed(), at=late)
    assert (untouched.plan.nodes, untouched.plan.restore) == (3, False)


def test_derived_nodes_shrink_with_the_floor() -> None:
    """Nine replicas left are three nodes, whatever was held before."""
    there = PoolObserved(ready=6, minimum=6, maximum=100, baseline=1, baseline_ready=1)
    held = pool(prepared(), what=observed(there, floor=9, baseline=4), at=START + 3 * HOUR, need=0)
    assert (held.plan.nodes, held.by_promotion) == (3, {"default/sale": 2})


def test_who_holds_nodes_and_when() -> None:
    """Not before the lead, not without acting, not with a spent budget."""
    one = prepared(GIVEN)
    assert not holds_nodes(one.raise_s - 1, one, observed(), {})
    assert holds_nodes(one.raise_s, one, observed(), {})
    assert not holds_nodes(AT, prepared(sale(mode="Observe", nodes=NODES)), observed(), {})
    spent = Observed(
        workloads=observed().workloads, pools=observed().pools,
        spent_node_hours={"default/sale": 39.99},
    )  # fmt: skip
    poor = prepared(sale(nodes=NODES, budget=Budget(node_hours=40.0)), what=spent)
    assert not holds_nodes(AT, poor, spent, {})


def test_cooling_means_a_floor_above_its_baseline_and_the_need_of_others() -> None:
    """Recorded, and higher than both."""
    one, held = prepared(), observed(floor=9, baseline=4)
    assert cooling(one, held, {ADS: Standing(0, 9)})
    assert not cooling(one, held, {ADS: Standing(0, 4)})
    assert not cooling(one, held, {ADS: Standing(9, 9)})
    assert not cooling(one, observed(floor=9), {ADS: Standing(0, 9)})
    assert not cooling(one, held, {})
