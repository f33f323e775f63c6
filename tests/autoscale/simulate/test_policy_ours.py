"""The planner's policy is ready before, lets go after, and cannot see the future."""

import msgspec
import numpy as np

from autoscale.simulate.engine import run
from autoscale.simulate.ground import Ground, noisy
from autoscale.simulate.policy import View, Wish
from autoscale.simulate.policy_ours import Ours
from autoscale.simulate.rivals import HpaOnly
from autoscale.simulate.score import score
from autoscale.simulate.synthetic import bursts
from autoscale.simulate.trace import Trace
from tests.autoscale.simulate.small import surges

GROUND = Ground()


class Recorded:
    """Keeps what a policy wished, minute by minute."""

    def __init__(self, policy: Ours) -> None:
        self.policy = policy
        self.wishes: dict[int, Wish] = {}

    def decide(self, view: View) -> Wish:
        self.wishes[view.minute] = self.policy.decide(view)
        return self.wishes[view.minute]


def wishes(trace: Trace) -> dict[int, Wish]:
    recorded = Recorded(Ours(trace, GROUND))
    run(trace, recorded, ground=GROUND, seed=1)
    return recorded.wishes


def test_it_decides_the_same_until_the_future_differs() -> None:
    """Two traces that part at a minute give the same wishes up to and including it."""
    trace = surges(3)
    parting = trace.events[1].start_min + 3
    other = msgspec.structs.replace(trace, demand=trace.demand.copy())
    other.demand[parting:] *= 5
    one, two = wishes(trace), wishes(other)
    assert all(one[minute] == two[minute] for minute in one if minute <= parting)
    assert one != two


def test_events_it_has_learned_are_met_ready() -> None:
    """Threefold steps that cost the plain HPA minutes each cost nothing after the first ones."""
    trace = surges(5)
    alone = score(trace, run(trace, HpaOnly(), ground=GROUND, seed=1), ground=GROUND)
    ours = score(trace, run(trace, Ours(trace, GROUND), ground=GROUND, seed=1), ground=GROUND)
    assert alone.not_ready_at_start == 5
    assert ours.not_ready_at_start == 0
    assert ours.bad_minutes == 0


def test_it_lets_go_after_the_event() -> None:
    """Hours after the last event no node is held and the floor is below what the HPA asks for itself (15)."""
    seen = wishes(surges(2))
    last = max(seen)
    assert max(wish.floor for wish in seen.values()) > 30
    assert seen[last].floor <= 15
    assert seen[last].nodes == 0


def test_without_events_it_is_the_plain_autoscaler() -> None:
    """Bursts that no calendar has: minute by minute the same as the HPA alone."""
    trace = bursts(2, days=2)
    alone = run(trace, HpaOnly(), ground=noisy(GROUND), seed=5)
    ours = run(trace, Ours(trace, noisy(GROUND)), ground=noisy(GROUND), seed=5)
    assert np.array_equal(alone.served, ours.served)
    assert alone.node_hours == ours.node_hours


def test_it_survives_failing_nodes_and_slow_starts() -> None:
    """On noisy ground with lost metrics the events after the first two are still met."""
    trace = surges(5)
    ground = noisy(GROUND)
    ours = score(trace, run(trace, Ours(trace, ground), ground=ground, seed=3), ground=ground)
    assert ours.not_ready_at_start <= 2


def test_a_pool_that_is_too_small_is_filled_and_no_more() -> None:
    """With a maximum below the need the nodes stop there."""
    trace = surges(3)
    ground = msgspec.structs.replace(
        GROUND, nodes=msgspec.structs.replace(GROUND.nodes, nodes_max=8)
    )
    done = run(trace, Ours(trace, ground), ground=ground, seed=1)
    assert done.nodes.max() == 8
