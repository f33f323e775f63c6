"""What goes in and comes out."""

import msgspec
import pytest

from autoscale.plan.model import Observed, Plan, PoolObserved, Timing, WorkloadObserved
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


def test_the_base_is_what_was_recorded() -> None:
    """Else what is there."""
    one = WorkloadObserved(replicas=4, ready=4, floor=4)
    assert (one.base, msgspec.structs.replace(one, baseline=2).base) == (4, 2)
    pool = PoolObserved(ready=5, minimum=3)
    known = msgspec.structs.replace(pool, baseline=0, baseline_ready=2)
    assert (pool.base, pool.least, known.base, known.least) == (5, 3, 2, 0)


def test_what_was_not_measured_takes_its_default() -> None:
    """By pool and by workload."""
    timing = Timing(node_s={"ads": 1.0}, pod_s={ADS: 2.0}, node_default_s=3.0, pod_default_s=4.0)
    assert (timing.of_node("ads"), timing.of_node("web")) == (1.0, 3.0)
    assert (timing.of_pod(ADS), timing.of_pod("x")) == (2.0, 4.0)
