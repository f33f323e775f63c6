"""Each rival does what its name says, and only the oracle knows the future."""

import msgspec
import numpy as np
import pytest

from autoscale.simulate.ground import Ground
from autoscale.simulate.policy import View
from autoscale.simulate.rivals import (
    AsMetric,
    HpaOnly,
    Ramp,
    SameHour,
    Scheduled,
    Window,
    finished,
    knowing_the_first,
    largest_peak,
    last_peak,
    modelled_peak,
    peak_of,
    true_peak,
)
from tests.autoscale.simulate.small import event, flat, surges

GROUND = Ground()


def view(demand: np.ndarray, minute: int) -> View:
    return View(
        minute=minute, demand=demand[:minute], replicas=15, ready=15, nodes=4, recommended=15
    )  # fmt: skip


def test_the_plain_autoscaler_wishes_nothing() -> None:
    """No floor, no nodes, no metric."""
    assert HpaOnly().decide(view(flat().demand, 500)).floor == 0


def test_a_schedule_opens_an_hour_before_and_closes_an_hour_after() -> None:
    """Outside the window there is no floor."""
    trace = surges(2)
    schedule = Scheduled(trace, GROUND, true_peak(trace))
    start = trace.events[0].start_min
    floors = [schedule.decide(view(trace.demand, start + at)).floor for at in (-61, -60, 0, 59, 60)]
    full = int(np.ceil(60_000 / 2000 / 0.85))
    assert floors == [0, full, full, full, 0]


def test_a_size_fixed_at_opening_is_not_revised() -> None:
    """`once` keeps the first guess; otherwise a finished event changes it."""
    trace = surges(2, every_min=150)
    late = Window(before_min=140, after_min=60)
    second = trace.events[1].start_min
    fixed = Scheduled(trace, GROUND, largest_peak(trace), window=late)
    fresh = Scheduled(trace, GROUND, largest_peak(trace), window=late, once=False)
    for policy in (fixed, fresh):
        policy.decide(view(trace.demand, second - 140))
    early, now = (policy.decide(view(trace.demand, second)).floor for policy in (fixed, fresh))
    assert early == 0
    assert now == int(np.ceil(60_000 / 2000 / 0.85))


def test_keda_feeds_a_metric_and_never_less_than_one() -> None:
    """Outside its window the cron scaler reports one replica."""
    trace = surges(2)
    cron = AsMetric(Scheduled(trace, GROUND, true_peak(trace)))
    assert cron.decide(view(trace.demand, 500)).scheduled == 1
    within = cron.decide(view(trace.demand, trace.events[0].start_min))
    assert (within.floor, within.scheduled) == (0, 36)


def test_the_ramp_climbs_in_tenths() -> None:
    """Ten minutes before the window the metric starts, and it rises to the full number."""
    trace = surges(2)
    ramp = Ramp(trace, GROUND, true_peak(trace))
    opens = trace.events[0].start_min - 60
    seen = [ramp.decide(view(trace.demand, opens + at)).scheduled for at in range(-11, 2)]
    assert seen[0] == 1
    assert seen == sorted(seen)
    assert seen[-1] == 36
    assert len(set(seen)) > 5


def test_the_same_hour_of_earlier_days_is_the_floor() -> None:
    """Flat demand gives its own size, five minutes before the hour for the next."""
    trace = flat(days=3)
    assert SameHour(GROUND).decide(view(trace.demand, 2000)).floor == 12
    rising = np.repeat(np.arange(72) % 24 * 1000.0, 60)
    hourly = SameHour(GROUND)
    assert hourly.decide(view(rising, 48 * 60 + 54)).floor == 0
    assert hourly.decide(view(rising, 48 * 60 + 55)).floor == 1


@pytest.mark.parametrize("size", [last_peak, largest_peak, lambda trace: modelled_peak(trace, 0.9)])
def test_sizes_do_not_depend_on_the_future(size) -> None:
    """A trace whose future differs gives the same guess."""
    trace = surges(6)
    third = trace.events[3]
    at = third.start_min - 60
    other = msgspec.structs.replace(trace, demand=trace.demand.copy())
    other.demand[at:] *= 7
    guesses = [size(one)(third, one.demand[:at]) for one in (trace, other)]
    assert guesses[0] == guesses[1] > 0


def test_the_model_covers_where_the_last_peak_does_not() -> None:
    """Before anything is known: nothing; afterwards near the events' size, q90 above the mean."""
    trace = surges(10)
    last = trace.events[9]
    mean = modelled_peak(trace, None)(last, trace.demand[: last.start_min])
    upper = modelled_peak(trace, 0.9)(last, trace.demand[: last.start_min])
    assert mean == pytest.approx(60_000, rel=0.05)
    assert upper >= mean
    first = trace.events[0]
    assert modelled_peak(trace, None)(first, trace.demand[: first.start_min]) == 0.0


def test_only_the_backtest_is_given_the_first_peak() -> None:
    """The backtest's rows begin with the first event known."""
    trace = surges(3)
    size = knowing_the_first(trace, last_peak(trace))
    first = trace.events[0]
    assert size(first, trace.demand[: first.start_min]) == peak_of(first, trace.demand)
    assert len(finished(trace.events, trace.demand)) == 3
    assert peak_of(event(-500), trace.demand) == 0.0
