"""What a demo may be asked, and when its faults fall."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.demo_options import CONTROL_REASON, DemoOptions, Without, load_plan, problem, schedule
from contracts.reasons import INVALIDATING


@given(st.floats(15, 3600))
def test_faults_fall_in_order_and_before_the_traffic_ends(duration_s: float) -> None:
    """Each fault starts after the one before it was healed, the last with a fifth of the run to go."""
    when = schedule(duration_s)
    order = [
        when.drop_s, when.kill_s, when.cut_s, when.heal_s, when.bridge_first_s, when.bridge_second_s,
    ]  # fmt: skip
    assert order == sorted(order)
    assert len(set(order)) == len(order)
    assert when.bridge_second_s <= duration_s * 0.81


def test_the_first_kill_comes_one_third_in() -> None:
    """The nodes die at one third of the run."""
    assert schedule(60).kill_s == pytest.approx(20)


@pytest.mark.parametrize(
    ("rate", "duration_s", "named"),
    [
        (600, 14.9, "--duration"),
        (1, 60, "--rate"),
        (600, 15, None),
        (600, float("nan"), "--duration"),
        (float("nan"), 60, "--rate"),
        (600, float("inf"), "--duration"),
        (float("inf"), 60, "--rate"),
    ],
)
def test_numbers_that_prove_nothing_are_refused(
    rate: float, duration_s: float, named: str | None
) -> None:
    """Too short or too thin a run is named with its option and a fix."""
    wrong = problem(rate=rate, duration_s=duration_s)
    assert (wrong is None) == (named is None)
    if named:
        assert wrong is not None
        assert named in wrong
        assert "fix:" in wrong


def test_every_control_has_a_reason_of_its_own_that_is_a_violation() -> None:
    """Five mechanisms, five different reasons, none of which merely invalidates."""
    assert set(CONTROL_REASON) == set(get_args(Without))
    assert len(set(CONTROL_REASON.values())) == len(CONTROL_REASON)
    assert not set(CONTROL_REASON.values()) & INVALIDATING


def test_the_demo_mix_is_whole() -> None:
    """The shares of the plan sum to one."""
    options = DemoOptions(root=Path(), seed=1, rate=600, duration_s=15)
    plan = load_plan(options, run="abc", core="c", edge="e")
    assert sum(plan.mix.values()) == pytest.approx(1)
