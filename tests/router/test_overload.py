"""Admission: fixed pools, none can take another's places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.settings import RouterLimits
from policy.topology import Site
from router.overload import Admission, class_limit, spill_limit

LIMITS = RouterLimits(concurrency_public=5, concurrency_sensitive=50, concurrency_raised=8)


def test_a_full_pool_refuses_and_a_left_place_is_free_again() -> None:
    """The limit is exact."""
    admission = Admission()
    assert [admission.enter("public", 2) for _ in range(3)] == [True, True, False]
    admission.leave("public")
    assert admission.enter("public", 2)


def test_ads_cannot_take_the_places_of_orders() -> None:
    """However many ads are refused, orders enter."""
    admission = Admission()
    for _ in range(1000):
        admission.enter("public", class_limit("public", LIMITS, raised_share=None))
    limit = class_limit("sensitive", LIMITS, raised_share=None)
    assert all(admission.enter("sensitive", limit) for _ in range(limit))


@pytest.mark.parametrize(("share", "limit"), [(None, 8), (0.1, 5), (0.9, 8), (0.0, 1)])
def test_raised_requests_get_the_reserved_share(share: float | None, limit: int) -> None:
    """A share of the private capacity, never more than the class's own limit, never nothing."""
    assert class_limit("raised", LIMITS, raised_share=share) == limit


def test_public_spills_only_into_what_is_reserved_for_it() -> None:
    """A service without a reserve does not spill."""
    site = Site(name="private", networks=(), services={}, reserve={"ads": 0.2})
    assert spill_limit(site, "ads", LIMITS) == 10
    assert spill_limit(site, "clicks", LIMITS) == 0


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["public", "sensitive"])), max_size=100))
def test_no_pool_is_ever_over_its_limit(moves) -> None:
    """Whatever the order of comings and goings, no pool holds more than its limit."""
    admission, inside = Admission(), {"public": 0, "sensitive": 0}
    for comes, pool in moves:
        if comes:
            inside[pool] += admission.enter(pool, 3)
        elif inside[pool]:
            admission.leave(pool)
            inside[pool] -= 1
        assert admission.inside(pool) == inside[pool] <= 3
