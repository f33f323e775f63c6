"""What must stand by when, before a start, and the phase that follows from it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from autoscale.plan.claims import Standing
from autoscale.plan.model import Gate, PoolPlan, WorkloadPlan, World
from autoscale.plan.pools import cooling
from autoscale.plan.prepare import Prepared
from contracts.promotion import Phase


def moment(at_s: float) -> datetime:
    """Seconds since 1970 as an aware datetime."""
    return datetime.fromtimestamp(at_s, UTC)


def gates_of(
    world: World, prepared: Prepared, *,
    workloads: Mapping[str, WorkloadPlan], pools: Mapping[str, PoolPlan],
) -> tuple[Gate, ...]:  # fmt: skip
    """From the start of the lead to the end: nodes first, then replicas by the last check."""
    if not prepared.acting or not prepared.holds(world.now_s):
        return ()
    observed, timing, gates = world.observed, world.timing, list[Gate]()
    for pool in prepared.afforded.nodes:
        if pool in pools and pool in observed.pools:
            by_s = min(prepared.due_s, prepared.raise_s + timing.of_node(pool))
            have, wanted = observed.pools[pool].ready, pools[pool].nodes + pools[pool].short
            gates.append(
                Gate(kind="nodes", subject=pool, deadline=moment(by_s), wanted=wanted, have=have,
                     state=_state(world.now_s, by_s, wanted=wanted, have=have))
            )  # fmt: skip
    by_s, due = prepared.due_s, moment(prepared.due_s)
    for part in prepared.parts:
        said, have = workloads[part.key], observed.workloads[part.key].ready
        wanted = max(said.need, said.floor)
        gates.append(
            Gate(kind="replicas", subject=part.key, deadline=due, wanted=wanted, have=have,
                 state=_state(world.now_s, by_s, wanted=wanted, have=have))
        )  # fmt: skip
    return tuple(gates)


def _state(
    now_s: float, deadline_s: float, *, wanted: int, have: int
) -> Literal["waiting", "met", "missed"]:
    if have >= wanted:
        return "met"
    return "missed" if now_s >= deadline_s else "waiting"


def phase_of(
    world: World, prepared: Prepared, gates: tuple[Gate, ...], standing: Mapping[str, Standing]
) -> Phase:
    """Where it stands; for people, nothing is decided by it."""
    if world.now_s >= prepared.end_s:
        cools = prepared.acting and cooling(prepared, world.observed, standing)
        return "Cooling" if cools else "Released"
    if not prepared.acting or world.now_s < prepared.raise_s:
        return "Planned"
    if world.now_s >= prepared.start_s:
        return "Active"
    if any(gate.state != "met" for gate in gates if gate.kind == "nodes"):
        return "Provisioning"
    return "Scaling" if any(gate.state != "met" for gate in gates) else "Ready"
