"""Promotions and a history become what the planner reads."""

import datetime as dt

import numpy as np
import pytest

from autoscale.forecast.promised import Promised
from autoscale.plan.model import Observed, Timing, WorkloadObserved
from autoscale.plan.planner import plan
from contracts.promotion import (
    PromotedWorkload,
    Promotion,
    PromotionSpec,
    WorkloadRef,
    workload_keys,
)

START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
KEY = "HorizontalPodAutoscaler/default/ads"


def promotion(day: int, *, name: str = "ads") -> Promotion:
    start = START + dt.timedelta(days=day, hours=12)
    return Promotion(
        name=f"p{day}",
        spec=PromotionSpec(
            start=start, end=start + dt.timedelta(hours=1), type="flash", mode="Auto",
            workloads=(
                PromotedWorkload(
                    name=name, ref=WorkloadRef(name=name), expected_peak=100.0, capacity_per_replica=10.0
                ),
            ),
        ),
    )  # fmt: skip


def history(days: int) -> np.ndarray:
    demand = np.full(days * 1440, 6000.0)
    for day in range(1, days):
        demand[day * 1440 + 720 : day * 1440 + 780] *= 4
    return demand


def test_a_promotion_out_of_sight_has_no_curve() -> None:
    """Nine hours ahead the owner's own number is all there is."""
    promised = Promised(KEY, [promotion(3)], start=START, q=0.9)
    assert promised.at(history(4)[: 3 * 1440 + 120]) == []


def test_a_promotion_in_sight_adds_to_ordinary_traffic() -> None:
    """Learned from ten earlier ones: 100 a second ordinary, about 300 more at the peak."""
    promised = Promised(KEY, [promotion(day) for day in range(1, 12)], start=START, q=0.9)
    ordinary, added = promised.at(history(12)[: 11 * 1440 + 690])
    assert (ordinary.promotion, added.promotion) == ("", "default/p11")
    assert max(ordinary.demand) == pytest.approx(100.0, rel=0.05)
    assert max(added.demand) == pytest.approx(300.0, rel=0.25)
    assert added.replaces_peak


def test_with_little_history_the_owners_estimate_is_not_outranked() -> None:
    """Two events are no conformal bound."""
    promised = Promised(KEY, [promotion(day) for day in range(1, 4)], start=START, q=0.9)
    found = promised.at(history(4)[: 3 * 1440 + 690])
    assert [one.replaces_peak for one in found if one.promotion] == [False]


def test_other_workloads_promotions_are_not_ours() -> None:
    """A promotion of another service neither adds nor teaches."""
    other = promotion(3, name="clicks")
    assert workload_keys(other) == ["HorizontalPodAutoscaler/default/clicks"]
    assert Promised(KEY, [other], start=START, q=0.9).at(history(4)[: 3 * 1440 + 690]) == []


def test_the_planner_raises_by_the_curve() -> None:
    """Ten minutes before the start the floor asked for carries the learned peak."""
    promised = Promised(KEY, [promotion(day) for day in range(1, 12)], start=START, q=0.9)
    now = 11 * 1440 + 710
    seen = WorkloadObserved(replicas=15, ready=15, floor=2, demand=100.0, demand_high=100.0)
    found = plan(
        START + dt.timedelta(minutes=now), [promotion(11)], Observed(workloads={KEY: seen}),
        timing=Timing(), forecasts=promised.at(history(12)[:now]),
    )  # fmt: skip
    assert found.workloads[KEY].need >= 400 / 10 / 0.85
