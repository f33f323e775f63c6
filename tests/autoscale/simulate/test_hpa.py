"""The autoscaler's reconcile follows the rules of horizontal.go."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from autoscale.simulate.hpa import (
    DOWN,
    UP,
    Behavior,
    Bounds,
    Hpa,
    Rate,
    combined,
    forget,
    longest,
    proposed,
)

WIDE = Bounds(low=1, high=1000)


def settled(hpa: Hpa, current: int, asks: list[int | None], *, bounds: Bounds = WIDE) -> int:
    """Replicas after one sync per ask, 15 s apart."""
    for step, ask in enumerate(asks):
        current = hpa.sync(15.0 * step, current, bounds=bounds, asked=[ask])
    return current


def test_below_the_minimum_it_jumps_there_at_once() -> None:
    """The jump comes before metrics, tolerance and the rate of scaling up."""
    slow = Behavior(rates=(Rate(kind="pods", value=1, period_s=60.0),))
    assert Hpa(slow, DOWN).sync(0, 3, bounds=Bounds(low=200, high=300), asked=[None]) == 200


def test_above_the_maximum_it_jumps_there_at_once() -> None:
    """A lowered maximum is obeyed whatever the metric says."""
    assert Hpa().sync(0, 50, bounds=Bounds(low=1, high=10), asked=[50]) == 10


def test_at_zero_it_is_off() -> None:
    """Replicas set to zero by hand stay zero."""
    assert Hpa().sync(0, 0, bounds=WIDE, asked=[5]) == 0


def test_a_released_floor_is_a_cliff() -> None:
    """The memory holds what the metric asked for, so a dropped minimum lets go in one sync."""
    hpa = Hpa()
    high = Bounds(low=200, high=1000)
    current = 5
    for step in range(40):
        current = hpa.sync(15.0 * step, current, bounds=high, asked=[5])
    assert current == 200
    assert hpa.sync(600.0, current, bounds=Bounds(low=5, high=1000), asked=[5]) == 5


def test_scaling_down_waits_for_the_highest_ask_of_the_window() -> None:
    """For five minutes the largest recommendation stands."""
    hpa = Hpa()
    assert settled(hpa, 10, [20, 5, 5]) == 20
    assert hpa.sync(299.0, 20, bounds=WIDE, asked=[5]) == 20
    assert hpa.sync(346.0, 20, bounds=WIDE, asked=[5]) == 5


def test_scaling_up_can_wait_for_the_lowest_ask_of_a_window() -> None:
    """A window for scaling up filters a spike."""
    careful = Behavior(rates=UP.rates, window_s=60.0)
    assert settled(Hpa(careful, DOWN), 10, [10, 30, 10]) == 10


def test_scaling_up_doubles_or_adds_four_per_period() -> None:
    """The default rates: the larger of 100 % and 4 pods in 15 s."""
    assert Hpa().sync(0, 2, bounds=WIDE, asked=[100]) == 6
    assert Hpa().sync(0, 10, bounds=WIDE, asked=[100]) == 20


def test_a_rate_counts_from_where_its_period_began() -> None:
    """What was added within the period is taken off the allowance."""
    slow = Behavior(rates=(Rate(kind="pods", value=4, period_s=60.0),))
    hpa = Hpa(slow, DOWN)
    assert settled(hpa, 10, [50, 50, 50]) == 14
    assert hpa.sync(61.0, 14, bounds=WIDE, asked=[50]) == 18


def test_a_disabled_direction_does_not_move() -> None:
    """`selectPolicy: Disabled` forbids scaling down."""
    never = Behavior(rates=DOWN.rates, select="disabled")
    assert settled(Hpa(UP, never), 10, [1] * 100) == 10


def test_the_smaller_rate_can_be_chosen() -> None:
    """`selectPolicy: Min` takes the most careful rate."""
    careful = Behavior(rates=UP.rates, select="min")
    assert Hpa(careful, DOWN).sync(0, 10, bounds=WIDE, asked=[100]) == 14


def test_an_invalid_metric_blocks_scaling_down_only() -> None:
    """With one of two metrics invalid the other may scale up, not down."""
    assert combined(10, [5, None]) is None
    assert combined(10, [15, None]) == 15
    assert combined(10, [None]) is None


def test_missing_metrics_change_nothing() -> None:
    """All metrics invalid: the replicas stay."""
    assert settled(Hpa(), 10, [None] * 50) == 10


@given(st.lists(st.one_of(st.none(), st.integers(0, 300)), max_size=60), st.integers(1, 300))
def test_it_stays_within_its_bounds(asks: list[int | None], current: int) -> None:
    """Whatever metrics say, the result is within minimum and maximum."""
    hpa, bounds = Hpa(), Bounds(low=3, high=120)
    for step, ask in enumerate(asks):
        current = hpa.sync(15.0 * step, current, bounds=bounds, asked=[ask])
        assert 3 <= current <= 120


def test_percentages_are_rounded_up_when_growing_and_cut_when_shrinking() -> None:
    """As the original: ceil on the way up, truncation on the way down."""
    half = Rate(kind="percent", value=50, period_s=15.0)
    assert proposed(half, 5, sign=1) == 8
    assert proposed(half, 5, sign=-1) == 2
    assert proposed(Rate(kind="pods", value=4, period_s=15.0), 5, sign=-1) == 1


def test_old_scale_events_are_forgotten() -> None:
    """Nothing older than the longest period is kept."""
    events = deque([(0.0, 1), (10.0, 1)])
    forget(events, before_s=5.0)
    assert list(events) == [(10.0, 1)]
    assert longest(UP) == 15.0
