"""The schedule of a worker: the mix and the new connections as planned, the same for the same seed."""

from collections import Counter

import numpy as np
import pytest

from loadtest.drive.schedule import REST_NS, Schedule, shares_of
from tests.loadtest.drive.plans import GET, loaded_of, plan_of

MIX = [{**GET, "weight": 3}, {**GET, "name": "b", "weight": 1}]


def schedule(plan, *, seed=1, worker=0):
    seeds = tuple(np.random.SeedSequence(seed).spawn(2))
    return Schedule(loaded_of(plan), worker=worker, start_ns=10**9, seeds=seeds)


def drained(one):
    found = []
    while one.due is not None:
        found.append(one.due)
        one.advance()
    return found


def steady(rate, for_s=2.0):
    return [{"name": "s", "kind": "constant", "for_s": for_s, "rate": rate}]


def test_kinds_come_by_their_weight_and_connections_by_their_share():
    """Three to one, a tenth on connections of their own, instants from the start on."""
    plan = plan_of(requests=MIX, new_connections=0.1, profile=steady(2000))
    found = drained(schedule(plan))
    kinds = Counter(kind for _, kind, _ in found)
    assert kinds[0] / kinds[1] == pytest.approx(3, rel=0.15)
    assert sum(fresh for *_, fresh in found) / len(found) == pytest.approx(0.1, rel=0.25)
    assert min(due for due, *_ in found) >= 10**9
    assert len(found) == pytest.approx(4000, rel=0.1)


def test_equal_seeds_are_equal_schedules():
    """Kinds and instants, request by request."""
    plan = plan_of(requests=MIX, new_connections=0.5)
    assert drained(schedule(plan)) == drained(schedule(plan))
    assert drained(schedule(plan)) != drained(schedule(plan, seed=2))


def test_what_was_not_sent_still_counts_as_planned():
    """A run that was stopped knows how much it owed."""
    plan = plan_of(profile=[*steady(100, 2.0), {**steady(100, 2.0)[0], "name": "t"}])
    whole = schedule(plan)
    drained(whole)
    cut = schedule(plan)
    cut.advance()
    cut.count_rest()
    assert cut.planned == whole.planned > 300


@pytest.mark.parametrize(("rate", "rest_ns"), [(100, 0), (20_000, REST_NS)])
def test_only_a_busy_worker_rests_between_wake_ups(rate, rest_ns):
    """At low rates every instant is met, at high ones they are met in small batches."""
    assert schedule(plan_of(profile=steady(rate))).rest_ns == rest_ns


def test_a_profile_may_begin_with_silence():
    """Blocks without an arrival are passed over."""
    profile = [{"name": "wait", "kind": "constant", "for_s": 3, "rate": 0}, *steady(50)]
    found = drained(schedule(plan_of(profile=profile)))
    assert found[0][0] >= 4 * 10**9


def test_shares_end_at_one():
    """Weights of any size."""
    assert shares_of(loaded_of(plan_of(requests=MIX)).plan).tolist() == [0.75, 1.0]
