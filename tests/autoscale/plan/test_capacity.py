"""Demand to replicas."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autoscale.plan.capacity import (
    EXACT_SLOTS_MAX,
    REPLICAS_MAX,
    Capacity,
    erlang_c,
    replicas_for,
    waiting_share,
)
from autoscale.plan.durations import seconds

ONE_SLOT = Capacity(per_replica=20.0, slots=1, wait="50ms", share=0.99)

capacities = st.builds(
    Capacity,
    per_replica=st.floats(0.5, 500),
    utilization=st.floats(0.3, 1.0),
    slots=st.sampled_from([0, 1, 4, 16]),
    wait=st.sampled_from(["0ms", "5ms", "50ms", "500ms"]),
    share=st.sampled_from([0.9, 0.99, 0.999]),
    shared=st.booleans(),
)


@pytest.mark.parametrize(
    ("demand", "by_waiting", "by_rule"), [(50, 6, 4), (200, 14, 15), (1000, 54, 72), (20000, 1005, 1429)]
)  # fmt: skip
def test_the_figures_of_the_literature_come_out(
    demand: float, by_waiting: int, by_rule: int
) -> None:
    """50 ms service, at most 1 % wait over 50 ms: the 70 % rule is unsafe small and wasteful large."""
    assert replicas_for(demand, ONE_SLOT) == by_waiting
    assert replicas_for(demand, Capacity(per_replica=20.0, utilization=0.7)) == by_rule


def test_erlang_c_is_the_textbook_s() -> None:
    """Two servers, one erlang: a third wait; one server: the load itself; overload: all."""
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert erlang_c(1, 0.7) == pytest.approx(0.7)
    assert erlang_c(3, 3.0) == 1.0
    assert erlang_c(2000, 1.0) == 0.0
    assert waiting_share(2, 1.0, math.log(2)) == pytest.approx(1 / 6)


@given(capacities, st.floats(0, 5000), st.floats(0, 5000))
def test_more_demand_never_needs_fewer(capacity: Capacity, one: float, other: float) -> None:
    """Monotone in demand, and two demands together never need more than both apart plus nothing."""
    low, high = sorted((one, other))
    assert replicas_for(low, capacity) <= replicas_for(high, capacity)


def carries(replicas: int, demand: float, capacity: Capacity) -> bool:
    """Straight from the limits, without a search: the rule of utilization, or Erlang C at this load."""
    if not capacity.slots:
        return demand <= replicas * capacity.per_replica * capacity.utilization
    per_slot, slots = capacity.per_replica / capacity.slots, capacity.slots
    if capacity.shared:
        slots *= replicas
    else:
        demand /= replicas
    load = demand / per_slot
    excess = (slots - load) * per_slot * seconds(capacity.wait)
    return load < slots and waiting_share(slots, load, excess) <= 1 - capacity.share


@given(capacities, st.floats(0.1, 5000))
def test_the_answer_is_the_fewest_that_carry_it(capacity: Capacity, demand: float) -> None:
    """It keeps the limits at that demand; one less does not."""
    assume(demand / capacity.per_replica * max(capacity.slots, 1) <= EXACT_SLOTS_MAX)
    replicas = replicas_for(demand, capacity)
    assume(replicas < REPLICAS_MAX)
    assert carries(replicas, demand * (1 - 1e-5), capacity)
    assert replicas == 1 or not carries(replicas - 1, demand * (1 + 1e-5), capacity)


def test_blind_balancing_needs_more() -> None:
    """Each replica as its own queue is the careful bound."""
    blind = Capacity(per_replica=20.0, slots=4, wait="50ms", share=0.99, shared=False)
    shared = Capacity(per_replica=20.0, slots=4, wait="50ms", share=0.99)
    assert replicas_for(1000, blind) > replicas_for(1000, shared)


def test_the_rule_for_many_slots_continues_the_exact_one() -> None:
    """At the border the two agree to a slot in a thousand."""
    capacity = Capacity(per_replica=1.0, slots=1, wait="0ms", share=0.99)
    exact = replicas_for(float(EXACT_SLOTS_MAX), capacity)
    assert replicas_for(EXACT_SLOTS_MAX + 1.0, capacity) == pytest.approx(exact, rel=1e-3)


@given(capacities, st.sampled_from([1e12, 1e300, float("inf")]))
def test_a_mistaken_figure_ends_at_a_bound(capacity: Capacity, demand: float) -> None:
    """A million replicas, whatever was asked; what is no number needs none."""
    assert replicas_for(demand, capacity) <= 1_000_000
    assert replicas_for(float("nan"), capacity) == 0


def test_nothing_needs_nothing_and_a_fit_is_a_fit() -> None:
    """Zero demand, and 850 at 85 each is ten, not eleven."""
    assert replicas_for(0.0, ONE_SLOT) == 0
    assert replicas_for(850.0, Capacity(per_replica=100.0)) == 10
