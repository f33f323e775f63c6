"""The replica calculator follows the rules of replica_calculator.go."""

import math

from hypothesis import given
from hypothesis import strategies as st

from autoscale.simulate.hpa_replicas import Pods, by_average_value, by_utilization

TARGET, TOLERANCE = 0.7, 0.1
pods = st.builds(
    Pods,
    measured=st.integers(1, 200),
    utilization=st.floats(0.0, 1.0),
    unready=st.integers(0, 50),
    missing=st.integers(0, 50),
)


def asked(current: int, of: Pods) -> int | None:
    return by_utilization(current, of, target=TARGET, tolerance=TOLERANCE)


def test_no_sample_of_any_ready_pod_makes_the_metric_invalid() -> None:
    """Without one measured pod there is no recommendation."""
    assert asked(5, Pods(measured=0, utilization=0.0, unready=5)) is None


def test_within_the_tolerance_nothing_moves() -> None:
    """A ratio up to ten percent off the target keeps the replicas."""
    assert asked(10, Pods(measured=10, utilization=0.76)) == 10
    assert asked(10, Pods(measured=10, utilization=0.64)) == 10


def test_beyond_the_tolerance_the_ratio_decides() -> None:
    """Saturated pods at 70 % target ask for ten sevenths, rounded up."""
    assert asked(10, Pods(measured=10, utilization=1.0)) == math.ceil(10 / 0.7)


def test_unready_pods_count_as_idle_when_scaling_up() -> None:
    """Pods on their way damp the ask: what they will take over is not asked for twice."""
    assert asked(20, Pods(measured=10, utilization=1.0, unready=10)) == 20


def test_unready_pods_do_not_hold_up_scaling_down() -> None:
    """Below the target only the measured pods count."""
    assert asked(20, Pods(measured=10, utilization=0.2, unready=10)) == math.ceil(10 * 0.2 / 0.7)


def test_missing_pods_count_as_full_when_scaling_down() -> None:
    """A lost sample may hide a busy pod."""
    quiet = asked(10, Pods(measured=10, utilization=0.2))
    half_blind = asked(10, Pods(measured=5, utilization=0.2, missing=5))
    assert quiet == 3
    assert half_blind is not None
    assert half_blind > quiet


def test_missing_pods_count_as_idle_when_scaling_up() -> None:
    """A lost sample may hide an idle pod."""
    assert asked(20, Pods(measured=10, utilization=0.8, missing=10)) == 20


@given(st.integers(1, 200), pods)
def test_silent_pods_never_turn_the_direction(current: int, of: Pods) -> None:
    """When silent pods are counted in, an ask to grow never shrinks the workload, nor the other way."""
    wanted = asked(current, of)
    assert wanted is not None
    if of.missing or (of.unready and of.utilization > TARGET):
        if of.utilization > TARGET:
            assert wanted >= current
        elif of.utilization < TARGET:
            assert wanted <= current


def test_an_average_value_divides_the_total() -> None:
    """KEDA's external metric: total over target, rounded up."""
    assert by_average_value(2, 40.0, target=1.0, tolerance=TOLERANCE) == 40


def test_an_average_value_stops_short_within_the_tolerance() -> None:
    """The known trap: 91 replicas stay 91 although the schedule says 100 (KEDA #7900)."""
    assert by_average_value(91, 100.0, target=1.0, tolerance=TOLERANCE) == 91
