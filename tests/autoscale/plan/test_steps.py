"""Steps up and down."""

from hypothesis import given
from hypothesis import strategies as st

from autoscale.plan.steps import down, late, step_of, steps_between, steps_down, up

replicas = st.integers(0, 3000)


@given(replicas)
def test_a_step_is_a_quarter_fifty_or_one(standing: int) -> None:
    """Both limits hold; where a quarter is less than one, it is one."""
    step = step_of(standing)
    assert 1 <= step <= 50
    assert step == 1 or step <= standing / 4


@given(replicas, replicas)
def test_the_counted_steps_lead_there(low: int, high: int) -> None:
    """Walking up takes as many steps as were counted, and so does walking down."""
    at, count = low, 0
    while at < high:
        at, count = up(at, high, 10**6), count + 1
    assert count == steps_between(low, high)
    while at > low:
        at, count = down(at, low, 25), count - 1
    assert high <= low or count == steps_between(low, high) - steps_down(high, low, 25)


@given(replicas, st.integers(1, 500), st.integers(1, 40))
def test_in_a_hurry_it_arrives_in_time(standing: int, more: int, left: int) -> None:
    """With `left` steps left, the target is reached after `left` of them, and never passed."""
    at, target = standing, standing + more
    for rest in range(left, 0, -1):
        following = up(at, target, rest)
        assert at <= following <= target
        at = following
    assert at == target


@given(replicas, st.integers(1, 500))
def test_with_time_a_step_is_never_larger(standing: int, more: int) -> None:
    """Only what would be late is hurried."""
    left = steps_between(standing, standing + more)
    assert not late(standing, standing + more, left)
    assert up(standing, standing + more, left) - standing <= step_of(standing)


def test_due_means_all_at_once() -> None:
    """With no step left the floor is the target; a target below is taken as it is."""
    assert up(4, 100, 0) == 100
    assert up(100, 4, 7) == 4


def test_a_million_replicas_cost_no_walk() -> None:
    """Equal steps are divided."""
    assert steps_between(200, 1_000_200) == 20_000
    assert steps_down(1_000_200, 200, 25) == 20_000
