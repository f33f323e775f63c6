"""What goes in and comes out."""

import msgspec
import pytest

from autoscale.plan.model import Observed, Plan
from autoscale.plan.planner import plan
from tests.autoscale.plan.sales import ADS, START, TIMING, observed, sale


def test_a_plan_is_written_and_read_back() -> None:
    """As JSON, for people and other programs, without losing anything."""
    found = plan(START, [sale()], observed(), timing=TIMING)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Plan) == found


def test_nothing_given_can_be_changed() -> None:
    """Frozen: a planner that changed its input would not be a function."""
    with pytest.raises(AttributeError):
        observed().workloads[ADS].floor = 7
    assert Observed().workloads == {}
