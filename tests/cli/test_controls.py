"""A control counts only if it turned red for its own reason."""

from typing import get_args

import msgspec
import pytest

from cli.controls import turned_red
from cli.demo_options import CONTROL_REASON, Without
from contracts.report import Reason
from loadtest.verdict import judge
from tests.loadtest.test_verdict import GOOD, LIMITS, SPOILED


@pytest.mark.parametrize("without", get_args(Without))
def test_a_go_or_another_reason_is_no_control(without: Without) -> None:
    """GO, INVALID and NO-GO for somebody else's reason all fail; its own reason passes."""
    own = CONTROL_REASON[without]
    assert turned_red(judge(SPOILED[own], LIMITS), without)
    assert not turned_red(judge(GOOD, LIMITS), without)
    for reason, facts in SPOILED.items():
        assert turned_red(judge(facts, LIMITS), without) == (reason == own)


def test_its_own_reason_in_an_invalid_run_is_no_control() -> None:
    """The verdict itself must be NO-GO."""
    report = judge(SPOILED["guard_block"], LIMITS)
    invalid = msgspec.structs.replace(
        report, verdict="INVALID", reasons=(Reason(id="guard_block", measured=1, limit=0),)
    )
    assert not turned_red(invalid, "scan")
