"""The verdict on a flow run: Locust's own exit code is not asked."""

from typing import get_args

import msgspec
import pytest

from contracts.flows import (
    FLOW_INVALIDATING,
    FlowReasonId,
    FlowSettings,
    FlowStage,
    FlowStep,
    FlowTally,
)
from loadtest.flows.validity import high, report_of

SETTINGS = FlowSettings(run="f", seed=1, out="o", stages=(FlowStage(for_s=1, users=1),), workers=2)
TALLY = FlowTally(started=500, finished=500, missed=0, cpu_share=0.3)
STEPS = {"browse": FlowStep(requests=1000, failed=1, p50_ms=1, p99_ms=2)}


def tally(**changes):
    return msgspec.structs.replace(TALLY, **changes)


def failed(count):
    return {"browse": msgspec.structs.replace(STEPS["browse"], failed=count)}


SPOILED = {
    "nothing_measured": ([tally(finished=0)] * 2, STEPS, 0),
    "worker_lost": ([TALLY] * 2, STEPS, 1),
    "generator_cpu": ([TALLY, tally(cpu_share=0.81)], STEPS, 0),
    "missed_arrivals": ([TALLY, tally(missed=11)], STEPS, 0),
    "failed_share": ([TALLY] * 2, failed(2), 0),
}


def report(tallies, steps, lost):
    return report_of(SETTINGS, tallies, steps, lost_workers=lost)


def test_a_run_that_kept_to_its_plan_is_go():
    """All workers heard, not busy, nothing missed, failures within their share."""
    found = report([TALLY] * 2, STEPS, 0)
    assert (found.verdict, found.reasons) == ("GO", ())
    assert (found.journeys, found.lost_workers, found.cpu_share) == (1000, 0, 0.3)


@pytest.mark.parametrize("reason", SPOILED)
def test_each_reason_is_reported_as_itself(reason):
    """And never GO."""
    found = report(*SPOILED[reason])
    assert [it.id for it in found.reasons] == [reason]
    assert found.verdict == ("INVALID" if reason in FLOW_INVALIDATING else "NO-GO")


def test_every_reason_of_the_closed_list_can_be_provoked():
    """No reason is dead."""
    assert set(SPOILED) == set(get_args(FlowReasonId))


def test_a_worker_that_never_said_anything_is_lost():
    """Killed before its first word, it is in no list of the master's."""
    found = report([TALLY], STEPS, 0)
    assert (found.verdict, found.lost_workers) == ("INVALID", 1)
    assert report([], {}, 0).verdict == "INVALID"


def test_a_busy_second_is_no_busy_worker():
    """The 95th percentile of its seconds."""
    assert high([0.1] * 99 + [1.0]) == 0.1
    assert high([0.1] * 80 + [0.9] * 20) == 0.9
    assert high([]) == 0
