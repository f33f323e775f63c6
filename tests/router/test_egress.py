"""The capability: no egress of a sensitive verdict holds an endpoint of a site that may not hold it."""

import itertools

import msgspec
import pytest

from policy.model import Sensitivity
from router.egress import open_egress
from tests.router.world import PUBLIC, SENSITIVE, endpoint, policy, route, topology, verdict

HOLDS = (
    frozenset[Sensitivity](),
    frozenset({PUBLIC}),
    frozenset({SENSITIVE}),
    frozenset({PUBLIC, SENSITIVE}),
)
SERVICES = (
    {},
    {"ads": (endpoint(1),)},
    {"ads": (endpoint(2), endpoint(3))},
    {"other": (endpoint(4),)},
)


def test_exhaustively_no_verdict_reaches_a_site_that_may_not_hold_its_class() -> None:
    """Every policy of three sites, every placement of services, every order, every class: none leaks."""
    checked = 0
    for holds in itertools.product(HOLDS, repeat=3):
        of = policy(dict(zip("abc", holds, strict=True)))
        for placed in itertools.product(SERVICES, repeat=3):
            for order in itertools.permutations("abc"):
                where = topology({name: placed["abc".index(name)] for name in order})
                for traffic in ("public", "sensitive", "raised"):
                    asked = verdict(traffic)
                    for outlet in open_egress(asked, of, where).outlets:
                        assert asked.sensitivity in of.sites[outlet.site].holds
                        assert outlet.trusted == (SENSITIVE in of.sites[outlet.site].holds)
                        checked += 1
    assert checked > 10_000


def test_public_comes_in_topology_order_with_private_as_the_reserve() -> None:
    """Public sites first, the private site after them and marked as a reserve."""
    of = policy({"public": frozenset({PUBLIC}), "private": frozenset({PUBLIC, SENSITIVE})})
    where = topology({"public": {"ads": (endpoint(1),)}, "private": {"ads": (endpoint(2),)}})
    outlets = open_egress(verdict(), of, where).outlets
    assert [(o.site, o.reserve) for o in outlets] == [("public", False), ("private", True)]


def test_a_private_site_that_comes_first_is_no_reserve() -> None:
    """Where no other site stands before it, the private site serves public traffic as its own."""
    of = policy({"public": frozenset({PUBLIC}), "private": frozenset({PUBLIC, SENSITIVE})})
    where = topology({"public": {}, "private": {"ads": (endpoint(2),)}})
    assert [o.reserve for o in open_egress(verdict(), of, where).outlets] == [False]


@pytest.mark.parametrize("traffic", ["public", "sensitive"])
def test_a_site_the_policy_does_not_name_is_in_no_egress(traffic) -> None:
    """A topology cannot add a place that the policy does not know."""
    of = policy({"private": frozenset({PUBLIC, SENSITIVE})})
    where = topology({"rogue": {"ads": (endpoint(1),)}, "private": {"ads": (endpoint(2),)}})
    assert [o.site for o in open_egress(verdict(traffic), of, where).outlets] == ["private"]


def test_no_route_is_an_empty_egress() -> None:
    """Nothing matched: nowhere to go."""
    of = policy({"private": frozenset({PUBLIC, SENSITIVE})}, route())
    unrouted = msgspec.structs.replace(verdict("sensitive"), route=None)
    assert open_egress(unrouted, of, topology({"private": {"ads": (endpoint(1),)}})).outlets == ()


def test_a_site_whose_service_has_no_endpoints_now_keeps_its_place() -> None:
    """The private site stays its reserve: an empty list from a cluster must not open it to all public traffic."""
    of = policy({"public": frozenset({PUBLIC}), "private": frozenset({PUBLIC, SENSITIVE})})
    where = topology({"public": {"ads": ()}, "private": {"ads": (endpoint(9),)}})
    outlets = open_egress(verdict(), of, where).outlets
    assert [(outlet.site, outlet.reserve) for outlet in outlets] == [
        ("public", False),
        ("private", True),
    ]
