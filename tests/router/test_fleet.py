"""The fleet: health by member, breakers by site, kept over a swap."""

import pytest

from router.fleet import Fleet, Member
from router.health import Event, State
from tests.router.world import PUBLIC, SENSITIVE, endpoint, policy, topology

HOLDS = {"public": frozenset({PUBLIC}), "private": frozenset({PUBLIC, SENSITIVE})}
A, B, C, P = endpoint(1), endpoint(2), endpoint(3), endpoint(9, site=2)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fleet_of(clock: Clock, *points, failover: bool = True, guard: bool = True) -> Fleet:
    fleet = Fleet(clock=clock, source_address="", failover=failover, guard=guard)
    fleet.apply(policy(HOLDS), topology({"public": {"ads": points}, "private": {"ads": (P,)}}))
    return fleet


def member(fleet: Fleet, point, site: str = "public") -> Member:
    found = fleet.member(site, point)
    assert found is not None
    return found


def test_only_sockets_of_sites_that_may_not_hold_sensitive_are_guarded(clock: Clock) -> None:
    """The guard is part of the pool, so no path to a public socket goes round it."""
    fleet = fleet_of(clock, A)
    assert member(fleet, A).guarded
    assert member(fleet, A).pool._guard is not None
    assert not member(fleet, P, "private").guarded
    assert not member(fleet_of(clock, A, guard=False), A).guarded


def test_requests_and_probes_move_health_and_weight(clock: Clock) -> None:
    """A refused request ejects; without failover nothing is ever ejected."""
    for failover, weight in ((True, 0.0), (False, 1.0)):
        fleet = fleet_of(clock, A, B, failover=failover)
        fleet.failed(member(fleet, A), Event.REFUSED)
        assert member(fleet, A).health.state is State.EJECTED
        assert fleet.weight("public", A) == weight
        assert fleet.weight("public", B) == 1.0
    assert fleet.weight("public", endpoint(77)) == 0.0


def test_the_last_of_a_service_is_given_patience(clock: Clock) -> None:
    """Probe failures that would eject one of two do not eject the only one."""
    alone, pair = fleet_of(clock, A), fleet_of(clock, A, B)
    for fleet in (alone, pair):
        for _ in range(2):
            fleet.probed(member(fleet, A), Event.PROBE_FAILED)
    assert member(alone, A).health.state is State.HEALTHY
    assert member(pair, A).health.state is State.EJECTED


def test_silence_everywhere_opens_the_site_and_answers_do_not(clock: Clock) -> None:
    """Three silent endpoints shut the site; one answer in between would not have."""
    fleet = fleet_of(clock, A, B, C)
    for point in (A, B):
        fleet.failed(member(fleet, point), Event.TIMED_OUT)
    fleet.answered(member(fleet, C), Event.OK)
    fleet.failed(member(fleet, A), Event.TIMED_OUT)
    assert fleet.open("public")
    fleet.probed(member(fleet, B), Event.PROBE_FAILED, silent=True)
    fleet.failed(member(fleet, C), Event.TIMED_OUT)
    assert not fleet.open("public")
    assert fleet.open("private")
    for _ in range(2):
        fleet.probed(member(fleet, A), Event.PROBE_OK)
    assert fleet.open("public")


def test_a_swap_keeps_what_stays_and_drops_what_goes(clock: Clock) -> None:
    """Health, requests in flight and connections of an endpoint outlive a new topology."""
    fleet = fleet_of(clock, A, B)
    kept = member(fleet, A)
    fleet.failed(kept, Event.REFUSED)
    kept.outstanding = 3
    fleet.apply(policy(HOLDS), topology({"public": {"ads": (A, C)}, "private": {"ads": (P,)}}))
    assert member(fleet, A) is kept
    assert fleet.outstanding("public", A) == 3
    assert fleet.weight("public", A) == 0.0
    assert fleet.member("public", B) is None
    assert fleet.outstanding("public", B) == 0
    assert fleet.weight("public", C) == 1.0


def test_a_site_that_may_hold_less_gets_guarded_sockets(clock: Clock) -> None:
    """When a policy takes `sensitive` from a site, its unguarded connections are not used again."""
    fleet = fleet_of(clock, A)
    before = member(fleet, P, "private")
    stricter = policy(HOLDS | {"private": frozenset({PUBLIC})})
    fleet.apply(stricter, topology({"public": {"ads": (A,)}, "private": {"ads": (P,)}}))
    after = member(fleet, P, "private")
    assert after is not before
    assert after.guarded
