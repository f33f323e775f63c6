"""Capacity from levels, how far it is to be trusted, and what is left at the forecast peak."""

import msgspec
import pytest

from contracts.capacity import CapacityLevel
from contracts.slo import CapacityObjective, Forecast
from loadtest.gate.capacity import capacity_of, headroom_of, levels_of, service_capacity
from tests.loadtest.gate.runs import GOOD, SLO, changed, slo

TWO = CapacityObjective(replicas=2)


def level(rps, *, good=True):
    return CapacityLevel(
        offered_rps=rps,
        ok_rps=rps,
        ok_rps_low=rps * 0.9,
        concurrency=rps / 50,
        p99_ms=20,
        good=good,
    )


def levels(*goods):
    return [level(100.0 * (n + 1), good=good) for n, good in enumerate(goods)]


@pytest.mark.parametrize(
    ("given", "rps", "confidence", "word"),
    [
        (levels(*[True] * 8, False, False), 800, "high", ""),
        (levels(*[True] * 10), 1000, "low", "every level"),
        (levels(True, True, False), 200, "low", "3 levels"),
        (levels(True, False, True, *[True] * 8), 100, "high", ""),
        (levels(False, True), 0, "none", "no level"),
        ([], 0, "none", "no phase"),
    ],
)
def test_capacity_is_the_last_level_before_the_first_that_failed(given, rps, confidence, word):
    """A lucky level above a broken one is no capacity; without a broken one the limit was not found."""
    found = service_capacity(given, TWO)
    assert (found.measured_rps, found.replica_rps, found.confidence) == (rps, rps / 2, confidence)
    assert found.replica_rps_low == pytest.approx(0.45 * rps)
    assert word in found.why
    assert found.levels == tuple(given)


def test_levels_are_the_phases_of_constant_rate():
    """Ten of the sweep and the steady one, the first second of each longer one left out."""
    found = levels_of(GOOD, "ads", SLO.classes["public"], TWO)
    assert [round(it.offered_rps) for it in found] == [
        100,
        200,
        300,
        300,
        400,
        500,
        600,
        700,
        800,
        900,
        1000,
    ]
    assert [it.good for it in found] == [True] * 9 + [False] * 2
    assert found[0].concurrency == pytest.approx(100 * 0.0101, rel=0.02)


def test_a_ramp_is_no_level():
    """Its rate is none."""
    ramp = msgspec.structs.replace(GOOD.phases[10], to=400)
    found = levels_of(changed(phases=(ramp,)), "ads", SLO.classes["public"], TWO)
    assert found == []


def test_nothing_asked_is_nothing_measured():
    """An objective without capacity makes no capacity.json."""
    assert capacity_of(GOOD, slo(capacity={}, forecast={})) is None
    assert capacity_of(GOOD, SLO).services["ads"].measured_rps == pytest.approx(800)


def test_headroom_is_arithmetic_over_replicas():
    """Twice the replicas carry twice the peak; the lower bound decides."""
    capacity = capacity_of(GOOD, SLO)
    found = headroom_of(capacity, slo(forecast={"ads": Forecast(peak_rps=800, replicas=4)}))[0]
    assert (found.capacity_rps, found.headroom) == pytest.approx((1600, 0.5))
    assert found.headroom_low <= found.headroom


def test_what_was_not_measured_has_no_headroom():
    """A forecast against nothing is no number."""
    none = service_capacity([], TWO)
    capacity = msgspec.structs.replace(capacity_of(GOOD, SLO), services={"ads": none})
    assert headroom_of(capacity, SLO) == ()
    assert headroom_of(None, SLO) == ()
