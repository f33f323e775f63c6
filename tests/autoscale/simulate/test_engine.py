"""A run is exact where nothing happens, replayable, and shows a policy nothing but the past."""

import msgspec
import numpy as np
import pytest

from autoscale.simulate.engine import Run, run
from autoscale.simulate.ground import Ground, Metrics, noisy
from autoscale.simulate.policy import NOTHING, View, Wish
from autoscale.simulate.rivals import HpaOnly
from tests.autoscale.simulate.small import flat, surges

GROUND = Ground()


class Fixed:
    """The same wish from a minute on."""

    def __init__(self, wish: Wish, since_min: int = 0) -> None:
        self.wish, self.since_min = wish, since_min

    def decide(self, view: View) -> Wish:
        return self.wish if view.minute >= self.since_min else NOTHING


class Watching:
    """Keeps what it was shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, float]] = []

    def decide(self, view: View) -> Wish:
        self.seen.append((view.minute, len(view.demand), float(view.demand[-1])))
        return NOTHING


def test_steady_demand_is_served_by_what_the_target_needs() -> None:
    """20,000 a minute at 2,000 per replica and 70 %: 15 replicas on 4 nodes, nothing missed."""
    done = run(flat(), HpaOnly(), ground=GROUND, seed=1)
    assert done.served.sum() == pytest.approx(20_000 * len(done.served))
    assert done.ready[-1] == 15
    assert done.node_hours == pytest.approx(4 * len(done.served) / 60)
    assert done.scalings == 0


def test_a_saturated_minute_serves_exactly_its_capacity() -> None:
    """A step to 200,000 finds 15 replicas: 30,000 are served in its first minute."""
    trace = flat()
    trace.demand[600:] = 200_000
    done = run(trace, HpaOnly(), ground=GROUND, seed=1)
    assert done.served[600 - 360] == pytest.approx(30_000)
    assert done.served[-1] == pytest.approx(200_000)


def test_a_floor_stands_a_node_and_a_pod_start_later() -> None:
    """100 replicas wished at minute 600 are ready about five minutes later, not before four."""
    done = run(flat(), Fixed(Wish(floor=100), 600), ground=GROUND, seed=1)
    assert done.ready[600 - 360 + 3] < 100
    assert done.ready[600 - 360 + 6] == 100


def test_a_schedule_metric_may_stop_short_of_its_number() -> None:
    """Within the tolerance the HPA does not finish: 15 to 16 by metric never happens, by floor it does."""
    metric = run(flat(), Fixed(Wish(scheduled=16), 600), ground=GROUND, seed=1)
    floor = run(flat(), Fixed(Wish(floor=16), 600), ground=GROUND, seed=1)
    assert metric.ready[-1] == 15
    assert floor.ready[-1] == 16


def test_while_metrics_are_missing_replicas_stay_and_the_floor_still_works() -> None:
    """An outage freezes the HPA, not the minimum."""
    ground = msgspec.structs.replace(GROUND, metrics=Metrics(outages_min=((500, 800),)))
    trace = flat()
    trace.demand[520:560] = 60_000
    frozen = run(trace, HpaOnly(), ground=ground, seed=1)
    assert frozen.ready[500 - 360 : 800 - 360].max() == 15
    floored = run(trace, Fixed(Wish(floor=40), 510), ground=ground, seed=1)
    assert floored.ready[530 - 360] == 40


def same(one: Run, other: Run) -> bool:
    return msgspec.msgpack.encode(summary(one)) == msgspec.msgpack.encode(summary(other))


def summary(done: Run) -> list[object]:
    return [done.served.tolist(), done.ready.tolist(), done.nodes.tolist(), done.scalings]


def test_the_same_seed_replays_the_run() -> None:
    """With noise everywhere, one seed gives one result and another seed another."""
    trace = surges(3)
    runs = [run(trace, HpaOnly(), ground=noisy(GROUND), seed=seed) for seed in (7, 7, 8)]
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


def test_a_policy_sees_only_minutes_that_are_over() -> None:
    """At the start of minute m the last demand shown is that of minute m - 1."""
    trace = flat(days=0.5)
    trace.demand[:] = np.arange(len(trace.demand)) + 1000
    watching = Watching()
    run(trace, watching, ground=GROUND, seed=1)
    assert watching.seen
    assert all(length == minute for minute, length, _ in watching.seen)
    assert all(last == minute - 1 + 1000 for minute, _, last in watching.seen)
