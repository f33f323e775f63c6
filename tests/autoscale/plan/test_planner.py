"""The whole answer: what must hold whatever happens."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from autoscale.plan.model import Observed, PoolObserved, Timing, WorkloadObserved
from autoscale.plan.planner import plan
from contracts.promotion import Budget, PromotedNodes, Promotion, PromotionSpec, WorkloadRef
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
    seen,
    workload,
)
from tests.autoscale.plan.shop import Shop, Tick, Trouble, carries

CLICKS = "HorizontalPodAutoscaler/default/clicks"
KEYS = {"ads": ADS, "clicks": CLICKS}
MINUTES = 150
LIVED = settings(
    max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
"""A whole evening each; a failing one is printed as it is, since making it smaller would take minutes."""


@st.composite
def promotions(draw: st.DrawFn) -> list[Promotion]:
    """One to four, near one another, over one or two workloads."""
    found: list[Promotion] = []
    for number in range(draw(st.integers(1, 4))):
        start = START + draw(st.integers(-20, 60)) * MINUTE
        chosen = draw(st.sampled_from([("ads",), ("clicks",), ("ads", "clicks")]))
        nodes = draw(st.none() | st.integers(0, 12))
        budget = draw(st.none() | st.floats(0, 30))
        found.append(
            Promotion(
                name=f"p{number}",
                spec=PromotionSpec(
                    start=start, end=start + draw(st.integers(1, 60)) * MINUTE,
                    mode=draw(st.sampled_from(["Auto", "Auto", "Auto", "Observe"])),
                    lead=draw(st.sampled_from(["auto", "0s", "10m", "1h"])),
                    budget=None if budget is None else Budget(node_hours=budget),
                    nodes=() if nodes is None else (PromotedNodes(pool="ads", add=nodes),),
                    workloads=tuple(
                        workload(name, expected_peak=draw(st.floats(1, 9000)),
                                 replicas_per_node=draw(st.sampled_from([None, 4])))
                        for name in chosen
                    ),
                ),
            )
        )  # fmt: skip
    return found


troubles = st.builds(
    Trouble,
    pod_ready=st.sampled_from([0.0, 0.1, 0.5, 1.0]), node_ready=st.sampled_from([0.0, 0.3, 1.0]),
    metrics_missing=st.sampled_from([0.0, 0.3, 1.0]), away=st.sampled_from([0.0, 0.2]),
    demand_max=st.sampled_from([0.0, 500.0, 5000.0]),
)  # fmt: skip
maxima = st.none() | st.integers(0, 40)


def shop(wanted: list[Promotion], trouble: Trouble, *, maximum: int | None, seed: int) -> Shop:
    return Shop(
        wanted, {key: seen() for key in KEYS.values()},
        {"ads": PoolObserved(ready=3, minimum=3, maximum=maximum)}, trouble=trouble, seed=seed,
    )  # fmt: skip


def acting(tick: Tick, wanted: list[Promotion], key: str) -> list[Promotion]:
    """Auto ones within their window that name the workload."""
    return [
        one
        for one in wanted
        if one.spec.mode == "Auto"
        and one.spec.start <= tick.at < one.spec.end
        and any(KEYS[item.name] == key for item in one.spec.workloads)
    ]


def asked(one: Promotion, key: str, tick: Tick) -> float:
    """The demand it adds, less what its budget takes."""
    peak = sum(item.expected_peak for item in one.spec.workloads if KEYS[item.name] == key)
    told = tick.plan.promotions[f"default/{one.name}"].conditions
    return 0.0 if any(said.type == "OverBudget" for said in told) else peak


@LIVED
@given(promotions(), troubles, maxima, st.integers(0, 10**6))
def test_inside_the_window_the_floor_is_what_was_planned(
    wanted: list[Promotion], trouble: Trouble, maximum: int | None, seed: int
) -> None:
    """The sum of every promotion that is on, whole from the first second, whatever fails meanwhile."""
    for tick in shop(wanted, trouble, maximum=maximum, seed=seed).run(START - HOUR, MINUTES):
        for key, said in tick.plan.workloads.items():
            now = sum(asked(one, key, tick) for one in acting(tick, wanted, key))
            assert said.floor >= carries(now)
            assert said.floor >= 4


@LIVED
@given(promotions(), troubles, st.integers(0, 10**6))
def test_a_floor_goes_down_only_when_traffic_lets_it(
    wanted: list[Promotion], trouble: Trouble, seed: int
) -> None:
    """After an end, with metrics, by a quarter or fifty, never under what live demand needs."""
    endless = [
        msgspec.structs.replace(one, spec=msgspec.structs.replace(one.spec, budget=None))
        for one in wanted
    ]
    for tick in shop(endless, trouble, maximum=None, seed=seed).run(START - HOUR, MINUTES):
        for key, said in tick.plan.workloads.items():
            before = tick.observed.workloads[key]
            if said.floor >= before.floor:
                continue
            assert before.demand is not None
            assert before.demand_high is not None
            assert said.floor >= carries(max(before.demand, before.demand_high))
            assert before.floor - said.floor <= max(1, min(50, before.floor / 4))
            assert any(one.spec.end <= tick.at and one.spec.mode == "Auto" for one in endless)


@LIVED
@given(promotions(), troubles, maxima, st.integers(0, 10**6))
def test_a_second_look_changes_nothing(
    wanted: list[Promotion], trouble: Trouble, maximum: int | None, seed: int
) -> None:
    """What was done is not done again, and every baseline is restored as often as it was recorded."""
    run = shop(wanted, trouble, maximum=maximum, seed=seed)
    for tick in run.run(START - HOUR, MINUTES):
        for key, said in tick.again.workloads.items():
            assert said.action in {"hold", "none"}
            assert said.floor == tick.plan.workloads[key].floor
        for name, said in tick.again.pools.items():
            assert not said.restore
            assert said.nodes == tick.plan.pools[name].nodes
    open_now = sum(one.baseline is not None for one in run.workloads.values())
    assert run.recorded == run.restored + open_now


@LIVED
@given(promotions(), troubles, maxima, st.integers(0, 10**6))
def test_a_budget_is_never_exceeded_nor_a_maximum(
    wanted: list[Promotion], trouble: Trouble, maximum: int | None, seed: int
) -> None:
    """Node-hours as the shop counted them, minute by minute."""
    steady = msgspec.structs.replace(trouble, away=0.0)
    run = shop(wanted, steady, maximum=maximum, seed=seed)
    for tick in run.run(START - 2 * HOUR, 2 * MINUTES):
        if maximum is not None:
            assert tick.plan.pools["ads"].nodes <= max(maximum, 3)
    for one in wanted:
        if one.spec.budget is not None:
            assert run.spent[f"default/{one.name}"] <= one.spec.budget.node_hours + 1e-6


@LIVED
@given(promotions(), st.integers(0, 10**6))
def test_everything_comes_back_when_everybody_has_gone(wanted: list[Promotion], seed: int) -> None:
    """With metrics and no traffic, floors, ceilings and nodes are what they were before."""
    run = shop(wanted, Trouble(), maximum=40, seed=seed)
    run.run(START - HOUR, 2 * MINUTES)
    for one in run.workloads.values():
        assert (one.floor, one.ceiling, one.baseline) == (4, 20, None)
    assert run.pools["ads"].minimum == 3


def test_with_time_every_gate_is_met_before_the_start() -> None:
    """A day-long sale, a healthy cluster: ready by the last check, steps of a quarter on the way."""
    run = shop([sale(nodes=NODES, end=START + 24 * HOUR)], Trouble(), maximum=40, seed=1)
    ticks = run.run(START - HOUR, 60)
    last = ticks[-1].plan
    assert last.promotions["default/sale"].phase == "Ready"
    assert all(gate.state == "met" for gate in last.promotions["default/sale"].gates)
    floors = [tick.plan.workloads[ADS].floor for tick in ticks if tick.plan.workloads]
    assert all(after - before <= max(1, before // 4) for before, after in pairwise(floors))
    assert (floors[0], floors[-1]) == (4, 10)


def test_a_quota_too_small_is_said_at_planning_time() -> None:
    """Ten more are asked for, four more are allowed: six short, a week ahead, and four come."""
    tight = observed(PoolObserved(ready=3, minimum=3, maximum=7))
    early = plan(START - timedelta(days=7), [sale(nodes=NODES)], tight, timing=TIMING)
    (condition,) = early.promotions["default/sale"].conditions
    assert (condition.type, condition.shortfall) == ("Infeasible", 6)
    assert early.pools["ads"].nodes == 3
    now = plan(START, [sale(nodes=NODES)], tight, timing=TIMING)
    assert (now.pools["ads"].nodes, now.pools["ads"].short) == (7, 6)


def test_conditions_of_now_say_what_to_do() -> None:
    """A foreign owner, and metrics that are missing when it is time to let go."""
    foreign = observed(owner="kubectl-edit")
    said = plan(START, [sale()], foreign, timing=TIMING).promotions["default/sale"].conditions
    assert [(one.type, "conflictPolicy" in one.message) for one in said] == [("Conflict", True)]
    blind = observed(floor=14, baseline=4, demand=None)
    said = plan(START + 3 * HOUR, [sale()], blind, timing=TIMING)
    (condition,) = said.promotions["default/sale"].conditions
    assert condition.type == "MetricsMissing"


def test_the_next_boundary_is_when_the_clock_alone_changes_something() -> None:
    """First the lead, then the last check; with nothing to come, never."""
    lead_s = plan(START, [sale()], observed(), timing=TIMING).promotions["default/sale"].lead_s
    early = plan(START - 5 * HOUR, [sale()], observed(), timing=TIMING)
    assert early.next_boundary == START - timedelta(seconds=lead_s)
    assert (
        plan(START - 2 * MINUTE, [sale()], observed(), timing=TIMING).next_boundary
        == START - MINUTE
    )
    assert plan(START + 90 * HOUR, [sale()], observed(), timing=TIMING).next_boundary is None
    held = observed(floor=14, baseline=4, floor_since=START + 3 * HOUR)
    stepping = plan(START + 3 * HOUR, [sale()], held, timing=TIMING)
    assert stepping.next_boundary == START + 3 * HOUR + 2 * MINUTE
    lowered = plan(START + 3 * HOUR, [sale()], observed(floor=14, baseline=4), timing=TIMING)
    assert lowered.workloads[ADS].action == "lower"
    assert lowered.next_boundary == START + 3 * HOUR + 2 * MINUTE
    curved = plan(START, [sale()], observed(), timing=TIMING, forecasts=[curve(850.0, 850.0)])
    assert curved.next_boundary == START + HOUR - timedelta(seconds=1020)
    budgeted = sale(nodes=NODES, budget=Budget(node_hours=500.0))
    spent = msgspec.structs.replace(observed(), spent_node_hours={"default/sale": 495.0})
    assert plan(START, [budgeted], spent, timing=TIMING).next_boundary == START + HOUR / 2


@given(st.sampled_from(["+00:00", "+08:00", "-05:00", "+05:45"]))
def test_the_same_moment_in_another_zone_is_the_same(offset: str) -> None:
    """Offsets are for people; the clock change of a zone moves nothing."""
    text = START.astimezone(datetime.fromisoformat(f"2026-01-01T00:00:00{offset}").tzinfo)
    moved = sale(start=text, end=text + 2 * HOUR)
    at = START - 10 * MINUTE
    one = plan(at, [moved], observed(), timing=TIMING)
    assert one == plan(at.astimezone(UTC), [sale()], observed(), timing=TIMING)


def test_a_wide_fleet_gets_one_answer_each() -> None:
    """Forty promotions over twenty workloads, five each: every workload is answered, sums are right."""
    fleet = {
        f"HorizontalPodAutoscaler/default/w{n}": WorkloadObserved(replicas=4, ready=4, floor=4)
        for n in range(20)
    }
    many = [
        sale(
            f"p{n:02}",
            workloads=tuple(
                workload(f"w{(n + k) % 20}", ref=WorkloadRef(name=f"w{(n + k) % 20}")) for k in range(5)
            ),
        )
        for n in range(40)
    ]  # fmt: skip
    said = plan(START, many, Observed(workloads=fleet), timing=Timing())
    assert {one.need for one in said.workloads.values()} == {100}
    assert len(said.workloads) == 20


def test_one_that_ends_when_another_begins_makes_room_for_it() -> None:
    """At the seam the larger of the two is needed, neither the sum nor, for a moment, less."""
    first = sale("first", workloads=(workload(expected_peak=3400.0),))
    second = sale("second", start=START + 2 * HOUR, end=START + 4 * HOUR)
    run = shop([first, second], Trouble(demand_max=10.0), maximum=None, seed=3)
    floors = {
        tick.at: tick.plan.workloads[ADS].floor
        for tick in run.run(START - HOUR, 4 * MINUTES)
        if ADS in tick.plan.workloads
    }
    assert max(floors.values()) == 40
    assert all(floor >= 10 for at, floor in floors.items() if START <= at < START + 4 * HOUR)


@given(
    st.sampled_from([float("nan"), float("inf"), -1.0]),
    st.sampled_from(["demand", "demand_high", "capacity"]),
)
def test_what_is_no_number_is_as_good_as_missing(value: float, field: str) -> None:
    """Metrics that say so hold; a forecast that says so is none; nothing raises."""
    odd = observed(floor=14, baseline=4, **{field: value})
    said = plan(START + 3 * HOUR, [sale()], odd, timing=TIMING, forecasts=[curve(1.0, value)])
    assert said.workloads[ADS].action == ("lower" if field == "capacity" else "hold")
    on = plan(START, [sale()], odd, timing=TIMING, forecasts=[curve(1.0, value)])
    assert on.workloads[ADS].need == 10


def test_without_a_workload_no_node_is_ordered() -> None:
    """Of ten nodes nothing would run on, none comes; the condition says why."""
    said = plan(START, [sale(nodes=NODES)], Observed(pools=observed().pools), timing=TIMING)
    assert said.pools["ads"].nodes == 3
    assert [one.type for one in said.promotions["default/sale"].conditions] == ["WorkloadMissing"]
