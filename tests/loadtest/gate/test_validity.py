"""Whether a run measured anything: what the generator and the machine say of themselves."""

import pytest

from contracts.drive import MachineSecond, Pulse
from loadtest.gate.validity import generator_figures, unreachable_share, validity
from tests.loadtest.gate.runs import GOOD, SLO, STEADY_S, changed, row, steadily

SECONDS = frozenset(STEADY_S)


def figures(measured):
    return generator_figures(measured, SECONDS)


def test_a_good_generator_has_no_reason():
    """Its figures are those of the judged seconds."""
    found = figures(GOOD)
    assert list(validity(GOOD, SLO, found, seconds=SECONDS)) == []
    assert found.cpu_us_per_request == pytest.approx(0.5e6 / 17_400)
    assert (found.cpu_share_max, found.lag_ms_max, found.steal_share) == pytest.approx(
        (0.3, 0.9, 0.01)
    )


def test_the_busiest_worker_counts_and_not_its_busiest_second():
    """One worker of two at its limit is enough; one second of it is not."""
    idle = tuple(Pulse(second, 100, 9, 1, 1) for second in STEADY_S)
    busy = tuple(Pulse(second, 950, 9, 1, 1) for second in STEADY_S)
    spike = (*idle[:-1], Pulse(39, 999, 9, 1, 1))
    assert figures(changed("generator", pulses=(idle, busy))).cpu_share_max == 0.95
    assert figures(changed("generator", pulses=(idle, idle * 2 + spike))).cpu_share_max == 0.1


def test_only_judged_seconds_count():
    """A sweep that drove the generator to its limit says nothing of the steady part."""
    sweep = tuple(Pulse(second, 990, 9, 1, 1) for second in range(20))
    assert figures(changed("generator", pulses=(sweep,))).cpu_share_max == 0


@pytest.mark.parametrize("offsets", [(5.0, 5.6), (5.0, 4.4), (5.0, 3_605.0)])
def test_a_clock_that_was_set_is_found(offsets):
    """Forwards, backwards, an hour."""
    machine = tuple(MachineSecond(n, 0, offset) for n, offset in enumerate(offsets))
    measured = changed("generator", machine=machine)
    reasons = list(validity(measured, SLO, figures(measured), seconds=SECONDS))
    assert [it.id for it in reasons] == ["clock_jump"]


def test_late_requests_are_a_share_of_the_judged_ones():
    """1 % is allowed."""
    assert figures(steadily(late=3)).late == 60
    late = steadily(late=3)
    assert list(validity(late, SLO, figures(late), seconds=SECONDS)) == []


def test_requests_without_an_answer_are_counted_in_the_judged_seconds():
    """Status 0 is no answer; an error is one."""
    rows = [row(25, status=0), row(26, status=500), row(5, status=0)]
    assert unreachable_share(changed(rows=tuple(rows)), SECONDS) == pytest.approx(1 / 6_400)
    assert unreachable_share(changed(cells=()), SECONDS) == 0
