"""Gates and phases."""

import pytest

from autoscale.plan.claims import Standing
from autoscale.plan.gates import gates_of, moment, phase_of
from autoscale.plan.model import Gate, PoolObserved, PoolPlan, WorkloadPlan
from tests.autoscale.plan.sales import (
    ADS,
    HOUR,
    MINUTE,
    NODES,
    START,
    observed,
    prepared,
    sale,
    world,
)

AT = START.timestamp()
ONE = prepared(sale(nodes=NODES))
POOL = PoolPlan(nodes=7, added=4, short=6, restore=False, promotions=(), reason="")
FLOOR = WorkloadPlan(action="raise", floor=5, need=10, ceiling=None, promotions=(), reason="")


def gates(ready_nodes: int, ready: int, at_s: float) -> tuple[Gate, ...]:
    what = observed(PoolObserved(ready=ready_nodes), ready=ready)
    return gates_of(world(moment(at_s), what), ONE, workloads={ADS: FLOOR}, pools={"ads": POOL})


def test_nodes_stand_before_replicas_and_both_before_the_start() -> None:
    """Nodes four minutes after the lead began, replicas by the last check; what is short is wanted too."""
    nodes, replicas = gates(3, 4, ONE.raise_s)
    assert (nodes.kind, nodes.wanted, nodes.have, nodes.state) == ("nodes", 13, 3, "waiting")
    assert nodes.deadline == moment(ONE.raise_s + 240)
    assert (replicas.wanted, replicas.deadline) == (10, START - MINUTE)


@pytest.mark.parametrize(
    ("have", "at_s", "state"),
    [(10, AT, "met"), (9, AT - 61, "waiting"), (9, AT - 60, "missed")],
)
def test_a_gate_is_met_waiting_or_missed(have: int, at_s: float, state: str) -> None:
    """By count and deadline."""
    assert gates(13, have, at_s)[1].state == state


def test_there_is_no_gate_outside_lead_and_window() -> None:
    """Nor of one that does not act, nor of a pool nobody saw."""
    assert gates(3, 4, ONE.raise_s - 1) == ()
    assert gates(3, 4, ONE.end_s) == ()
    watching = prepared(sale(mode="Observe", nodes=NODES))
    assert gates_of(world(), watching, workloads={}, pools={}) == ()
    assert len(gates_of(world(), ONE, workloads={ADS: FLOOR}, pools={})) == 1


def test_the_phases_follow_one_another() -> None:
    """From planned to released."""
    said = [phase_of(world(moment(ONE.raise_s - 1)), ONE, (), {})]
    said += [
        phase_of(world(moment(AT - 90)), ONE, gates(nodes, ready, AT - 90), {})
        for nodes, ready in ((3, 4), (13, 4), (13, 10))
    ]
    held, end = observed(floor=9, baseline=4), moment(ONE.end_s)
    said += [
        phase_of(world(), ONE, (), {}),
        phase_of(world(end, held), ONE, (), {ADS: Standing(0, 9)}),
        phase_of(world(end + 9 * HOUR), ONE, (), {}),
    ]
    assert said == ["Planned", "Provisioning", "Scaling", "Ready", "Active", "Cooling", "Released"]
    assert phase_of(world(), prepared(sale(mode="Observe")), (), {}) == "Planned"
