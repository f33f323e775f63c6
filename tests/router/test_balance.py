"""Choices: only what the egress holds, in its order, the less loaded of two."""

import random

from hypothesis import given
from hypothesis import strategies as st

from router.balance import choose
from router.egress import Egress, Outlet
from tests.router.world import PUBLIC, endpoint


class Fit:
    """A fleet of fixed values."""

    def __init__(self, *, shut=(), weights=None, loads=None) -> None:
        self.shut, self.weights, self.loads = shut, weights or {}, loads or {}

    def open(self, site) -> bool:
        return site not in self.shut

    def weight(self, site, point) -> float:
        return self.weights.get(point.address, 1.0)

    def outstanding(self, site, point) -> int:
        return self.loads.get(point.address, 0)


A, B, C = endpoint(1), endpoint(2), endpoint(3, site=2)
EGRESS = Egress(
    PUBLIC, "ads", (Outlet("public", (A, B), False, False), Outlet("private", (C,), True, True))
)


def pick(fit=None, *, tried=(), silent=(), only=None, admit=lambda _o: True, seed=1, egress=EGRESS):
    return choose(
        egress, fit or Fit(), tried=tried, last_resort_sites=silent, only_site=only, admit=admit,
        rng=random.Random(seed),
    )  # fmt: skip


def test_the_first_site_is_preferred_and_the_idle_endpoint_within_it() -> None:
    """Two random choices take the one with fewer requests in flight."""
    for seed in range(20):
        assert pick(Fit(loads={A.address: 5}), seed=seed).endpoint is B


def test_a_retry_takes_another_endpoint_then_another_site_then_the_same_again() -> None:
    """What was tried comes back only when nothing else is left."""
    assert pick(tried={A.address}).endpoint is B
    assert pick(tried={A.address, B.address}).endpoint is C
    assert pick(tried={A.address, B.address, C.address}).outlet.site == "public"


def test_after_a_time_out_another_site_comes_first() -> None:
    """A retry after silence does not knock at the next door of the same dead street."""
    assert pick(tried={A.address}, silent={"public"}).endpoint is C


def test_an_open_breaker_takes_the_whole_site_out() -> None:
    """Not even as a last resort is a silent site tried."""
    assert pick(Fit(shut={"public"})).endpoint is C
    assert pick(Fit(shut={"public", "private"})) is None


def test_the_reserve_is_asked_for_and_may_be_full() -> None:
    """Without a place in the reserve there is no spill."""
    down = Fit(weights={A.address: 0.0, B.address: 0.0}, shut={"public"})
    assert pick(down, admit=lambda _o: False) is None


def test_public_endpoints_are_tried_ejected_rather_than_refused_private_ones_never() -> None:
    """Panic is on where nothing can leak and off for private sites."""
    dead = Fit(weights={A.address: 0.0, B.address: 0.0, C.address: 0.0})
    assert pick(dead).outlet.site == "public"
    private = Egress(PUBLIC, "ads", (Outlet("private", (C,), False, True),))
    assert pick(dead, egress=private) is None


def test_a_recovering_endpoint_takes_one_request_at_a_time() -> None:
    """Half-open and slow-starting endpoints are skipped while a request is on them."""
    half = Fit(weights={A.address: 0.1, B.address: 0.0}, loads={A.address: 1})
    assert pick(half).endpoint is C
    assert pick(Fit(weights={A.address: 0.1, B.address: 0.0})).endpoint is A


def test_a_keyed_request_stays_at_its_site() -> None:
    """Pinned to a site, no other is chosen."""
    assert pick(only="private").endpoint is C
    assert pick(Fit(shut={"private"}), only="private") is None


POINTS = st.lists(st.sampled_from([A, B, C]), unique=True)


@given(st.integers(0, 99), POINTS, POINTS, st.sets(st.sampled_from(["public", "private"])))
def test_nothing_outside_the_egress_ever_comes_out(seed, tried, dead, silent) -> None:
    """For every health and history the choice is one of the egress's own endpoints."""
    fit = Fit(weights={point.address: 0.0 for point in dead})
    got = pick(fit, tried={p.address for p in tried}, silent=silent, seed=seed)
    if got is not None:
        assert got.endpoint in got.outlet.endpoints
        assert got.outlet in EGRESS.outlets
    else:
        assert C in dead


def test_a_site_without_endpoints_is_passed_over() -> None:
    """What a cluster says has no endpoints now is not drawn from; its reserve stands in, or nothing does."""
    none_left = Egress(PUBLIC, "ads", (Outlet("public", (), False, False), EGRESS.outlets[1]))
    assert pick(egress=none_left).endpoint is C
    assert pick(egress=none_left, admit=lambda _o: False) is None
