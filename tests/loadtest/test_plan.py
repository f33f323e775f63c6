import itertools
import random
import re
from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.canary import PLACES
from loadtest.plan import CONFLICT_SHARE, key_prefix, manifest, plan_problem, plan_requests
from tests.loadtest.doors import MIX, plan_for


def requests(arrivals="poisson", **changes):
    plan = plan_for(**changes)
    return list(plan_requests(plan, random.Random(plan.seed), arrivals=arrivals))


def test_equal_plans_plan_equal_requests():
    """The schedule, doors, identities, beacons and canaries are a function of the plan."""
    assert requests(duration_s=5) == requests(duration_s=5)


def test_another_seed_is_another_run():
    """A different seed gives other instants, beacons and canaries."""
    first, second = requests(), requests(seed=2)
    assert [r.offset_ns for r in first] != [r.offset_ns for r in second]
    assert not {r.beacon for r in first if r.beacon} & {r.beacon for r in second if r.beacon}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["poisson", "uniform"]))
def test_requests_follow_in_time_within_the_run(seed, arrivals):
    """Offsets never go back and stay within the duration; numbers count from 0."""
    planned = requests(arrivals=arrivals, seed=seed, rate=300, duration_s=2)
    assert all(a.offset_ns <= b.offset_ns for a, b in itertools.pairwise(planned))
    assert planned[-1].offset_ns < 2e9
    assert [r.n for r in planned] == list(range(len(planned)))


def test_uniform_arrivals_are_evenly_spaced():
    """Uniform arrivals keep one gap and hit the rate exactly."""
    planned = requests(arrivals="uniform", rate=100, duration_s=3)
    assert len(planned) == 300
    assert {
        round((b.offset_ns - a.offset_ns) / 1e6, 3) for a, b in itertools.pairwise(planned)
    } == {10.0}


def test_poisson_arrivals_keep_the_rate():
    """The mean rate is the plan's and the gaps spread as exponential ones do."""
    planned = requests(rate=1000, duration_s=20)
    gaps = [b.offset_ns - a.offset_ns for a, b in itertools.pairwise(planned)]
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(1e6, rel=0.05)
    assert (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5 == pytest.approx(
        1e6, rel=0.1
    )


def test_the_mix_is_kept():
    """Shares of operations, doors and canaries are those of the plan."""
    planned = requests(rate=1000, duration_s=40)
    total = len(planned)
    clean = Counter(r.operation for r in planned if r.expected != "raised")
    raised = sum(r.expected == "raised" for r in planned)
    public = [r for r in planned if r.expected != "sensitive"]
    assert raised / total == pytest.approx(0.05, rel=0.1)
    assert clean["order"] / total == pytest.approx(0.07, rel=0.1)
    assert clean["profile"] / total == pytest.approx(0.03, rel=0.1)
    assert clean["ads"] / clean["click"] == pytest.approx(MIX["ads"] / MIX["click"], rel=0.05)
    assert sum(r.door == "edge" for r in public) / len(public) == pytest.approx(0.5, rel=0.05)


def test_canaries_stand_in_all_places_at_both_doors():
    """Every place is planted at the core and at the edge, only on ads and clicks, all expected raised."""
    raised = [r for r in requests(rate=1000, duration_s=20) if r.expected == "raised"]
    assert {(r.door, r.planting.place) for r in raised} == set(
        itertools.product(("core", "edge"), PLACES)
    )
    assert {r.action for r in raised} == {"ads", "click"}
    assert all(r.planting.operation == r.operation for r in raised)


def test_a_place_not_in_the_mix_still_has_no_orders_at_the_edge():
    """Orders and profiles go to the core only and each body carries a canary."""
    sensitive = [r for r in requests(rate=1000, duration_s=20) if r.expected == "sensitive"]
    assert {r.door for r in sensitive} == {"core"}
    assert all((r.planting is None) == (r.action == "profile_get") for r in sensitive)


def test_beacons_are_on_public_requests_and_nowhere_else():
    """Each public request has its own beacon of 24 letters."""
    planned = requests(rate=1000, duration_s=10)
    beacons = [r.beacon for r in planned if r.beacon]
    assert len(set(beacons)) == len(beacons)
    assert all(re.fullmatch("b-[a-z]{24}", beacon) for beacon in beacons)
    assert all(bool(r.beacon) == (r.expected == "public") for r in planned)


def test_canary_values_and_numbers_are_unique_in_a_run():
    """One value is one canary, numbered from 1 without a gap."""
    planted = [r.planting for r in requests(rate=600, duration_s=60) if r.planting]
    assert [p.id for p in planted] == list(range(1, len(planted) + 1))
    assert len({p.value for p in planted}) == len(planted)


def test_a_range_used_up_gives_way_to_a_larger_one():
    """More orders than there are mobile canaries fall back to cards instead of repeating a value."""
    mix = {"order": 1.0}
    planted = [r.planting for r in requests(rate=1000, duration_s=45, mix=mix)]
    assert len(planted) > 40_000
    assert len({p.value for p in planted}) == len(planted)


def test_profiles_are_read_after_they_were_written():
    """A profile read names a profile whose write came earlier in the plan."""
    written = set()
    reads = 0
    for request in requests(rate=1000, duration_s=10):
        if request.action == "profile_put":
            written.add(request.identity)
        elif request.action == "profile_get":
            reads += 1
            assert request.identity in written
    assert reads > 50


def test_a_small_share_of_orders_contradicts():
    """About one order in two hundred is planned to reuse a key."""
    orders = requests(rate=1000, duration_s=100, mix={"order": 1.0})
    share = sum(r.action == "order_conflict" for r in orders) / len(orders)
    assert share == pytest.approx(CONFLICT_SHARE, rel=0.2)


def test_names_start_with_the_run_and_count_in_letters():
    """Identities are the run's name, a dash and letters, all different but for profile reads."""
    plan = plan_for(run="demo.7")
    planned = requests(run="demo.7", duration_s=3)
    assert all(re.fullmatch(r"demo\.7-[a-z]{7}", r.identity) for r in planned)
    assert all(r.identity.startswith(key_prefix(plan)) for r in planned)
    own = [r.identity for r in planned if r.action != "profile_get"]
    assert len(set(own)) == len(own)


def test_only_clicks_are_not_idempotent():
    """Ads, profiles and keyed orders may be repeated."""
    planned = requests(duration_s=10)
    assert {r.operation for r in planned if not r.idempotent} == {"click"}


def test_the_manifest_lists_every_planting():
    """The manifest has one line for every canary of the run, with the bytes to look for."""
    planned = requests(duration_s=10)
    lines = list(manifest(iter(planned)))
    planted = [r.planting for r in planned if r.planting]
    assert [(line.id, line.value, bytes.fromhex(line.form_hex)) for line in lines] == [
        (p.id, p.value, p.form) for p in planted
    ]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rate": 0.0}, "rate"),
        ({"duration_s": -1.0}, "duration_s"),
        ({"timeout_s": 0.0}, "timeout_s"),
        ({"connections_max": 0}, "connections_max"),
        ({"mix": {"ads": 0.5}}, "mix"),
        ({"mix": {"ads": 1.5, "click": -0.5}}, "mix"),
        ({"edge_share": 1.5}, "edge_share"),
        ({"canary_share": -0.1}, "canary_share"),
        ({"run": ""}, "run"),
        ({"run": "a b"}, "run"),
        ({"run": "demo-" + "7" * 11}, "digits"),
    ],
)
def test_a_wrong_plan_is_named_by_field(changes, named):
    """Each bad field is refused with its name and what was expected."""
    problem = plan_problem(msgspec.structs.replace(plan_for(), **changes))
    assert named in problem
    assert "expected" in problem


def test_a_right_plan_has_no_problem():
    """The demo's plan is accepted."""
    assert plan_problem(plan_for()) == ""
