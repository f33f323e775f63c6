"""A world without surprises."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest

from autoscale.plan.model import Forecast, Observed, PoolObserved
from autoscale.plan.rehearsal import STEPS_MAX, Moment, rehearse, unknown
from contracts.promotion import Budget, Promotion
from tests.autoscale.plan.sales import (
    ADS,
    HOUR,
    MINUTE,
    NODES,
    START,
    TIMING,
    curve,
    observed,
    sale,
    workload,
)


def looks(
    *promotions: Promotion, what: Observed | None = None, forecasts: Sequence[Forecast] = ()
) -> list[Moment]:
    begins = START - timedelta(days=3)
    found = rehearse(begins, promotions, what or observed(), timing=TIMING, forecasts=forecasts)
    return list(found)


def phases(moments: list[Moment], key: str = "default/sale") -> list[str]:
    every = [one.plan.promotions[key].phase for one in moments]
    return list(dict.fromkeys(every))


@pytest.mark.parametrize("mode", ["Auto", "Observe", "Approve"])
def test_a_promotion_goes_through_all_its_phases(mode: str) -> None:
    """Whether it would act or only observe; it ends with everything back."""
    moments = looks(sale(mode=mode, nodes=NODES))
    assert phases(moments) == [
        "Planned", "Provisioning", "Scaling", "Ready", "Active", "Cooling", "Released",
    ]  # fmt: skip
    last = moments[-1]
    assert last.plan.workloads[ADS].action == "restore"
    assert last.plan.pools["ads"].nodes == 3
    assert last.at_s == last.until_s < (START + 3 * HOUR).timestamp()


def test_it_is_ready_before_the_start_and_no_gap_is_between_looks() -> None:
    """Each look lasts until the next; with p95 times an auto lead is enough."""
    moments = looks(sale(nodes=NODES))
    assert all(one.until_s == two.at_s for one, two in pairwise(moments))
    ready = next(one for one in moments if one.plan.promotions["default/sale"].phase == "Ready")
    assert ready.at_s <= (START - MINUTE).timestamp()
    assert ready.observed.workloads[ADS].ready == 10


def test_an_hpa_that_runs_more_keeps_them() -> None:
    """Demand over the floor of one is served, also by replicas no floor asks for."""
    other = sale("other", start=START + HOUR, workloads=(workload(expected_peak=4250.0),))
    moments = looks(sale(), other)
    most = max(one.plan.workloads[ADS].floor for one in moments if one.plan.workloads)
    assert most == 60
    assert phases(moments, "default/other")[-1] == "Released"


def test_a_full_pool_ends_all_the_same() -> None:
    """Six nodes short: it goes on with what it gets."""
    tight = observed(PoolObserved(ready=3, minimum=3, maximum=7))
    moments = looks(sale(nodes=NODES), what=tight)
    assert max(one.plan.pools["ads"].nodes for one in moments) == 7
    assert phases(moments)[-1] == "Released"


def test_a_budget_is_kept() -> None:
    """Node-hours are counted as the controller counts them."""
    moments = looks(sale(nodes=NODES, budget=Budget(node_hours=12.0)))
    used = sum(
        sum(one.plan.promotions["default/sale"].nodes_now.values())
        * (one.until_s - one.at_s)
        / 3600
        for one in moments
    )
    assert 8 < used <= 12


def test_a_forecast_leads_floor_and_traffic() -> None:
    """Half the crowd comes an hour early: so do half the replicas."""
    moments = looks(sale(), forecasts=[curve(425.0, 850.0, 85.0)])
    early = [one for one in moments if one.at_s <= (START - HOUR).timestamp()]
    assert early[-1].observed.workloads[ADS].ready == 5
    assert phases(moments)[-1] == "Released"


def test_a_thousand_promotions_end() -> None:
    """Well within the bound on looks."""
    many = [
        sale(f"s{n}", start=START + n * 3 * HOUR, end=START + (n * 3 + 1) * HOUR) for n in range(40)
    ]
    assert len(looks(*many)) * 25 < STEPS_MAX * 4


def test_what_nobody_looked_at_is_one_replica() -> None:
    """Each workload of each promotion."""
    found = unknown([sale(), sale("other", workloads=(workload("clicks"),))])
    assert {key.rpartition("/")[2]: one.floor for key, one in found.items()} == {
        "ads": 1,
        "clicks": 1,
    }
