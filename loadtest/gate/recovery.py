"""How long trouble lasted after each fault, and after its heal, from the requests themselves. Pure.

`rto_ms` (design §7): intended time of the last request that failed or took over 250 ms, minus the fault's
time; 0 if none. A fault's time ends where the next begins, less 250 ms: later requests may have met that one.
"""

from collections.abc import Iterator, Sequence

from contracts.fault import FaultRecord
from contracts.gate import FaultFigures
from contracts.slo import FaultObjective, Slo
from loadtest.figures import SLOW_MS
from loadtest.gate.measured import Measured
from loadtest.gate.slo import fault_objective_name, fault_objectives

SLOW_US = int(SLOW_MS * 1000)


def recoveries(measured: Measured, slo: Slo) -> tuple[FaultFigures, ...]:
    """One entry per fault of the journal, in order of time."""
    faults = sorted(measured.proofs.faults or (), key=lambda fault: fault.injected_mono_ns)
    objectives = fault_objectives(slo)
    found: list[FaultFigures] = []
    for at, fault in enumerate(faults):
        objective = _objective(objectives, fault)
        end_ns = _end_ns(faults[at + 1 :], fault, measured.ended_mono_ns)
        healed_ns = fault.healed_mono_ns or end_ns
        instants = list(_troubled(measured, objective))
        found.append(
            FaultFigures(
                id=fault.id, kind=fault.kind, targets=fault.targets,
                at_s=measured.second_of(fault.injected_mono_ns),
                healed_s=measured.second_of(fault.healed_mono_ns) if fault.healed_mono_ns else 0.0,
                proven=fault.proven, proof=fault.proof, traffic=objective.traffic,
                rto_ms=_last_ms(instants, fault.injected_mono_ns, min(end_ns, healed_ns)),
                rto_limit_ms=objective.rto_ms,
                failback_ms=_last_ms(instants, healed_ns, end_ns),
            )
        )  # fmt: skip
    return tuple(found)


def _objective(objectives: dict[str, FaultObjective], fault: FaultRecord) -> FaultObjective:
    """Its own, or none: a fault nobody set a limit for is shown and not judged."""
    return objectives.get(fault_objective_name(fault.kind), FaultObjective(rto_ms=0.0))


def _end_ns(later: Sequence[FaultRecord], fault: FaultRecord, run_ended_ns: int) -> int:
    """Until when requests tell of this fault alone. One that lasts as long as the run hides no other."""
    following = next((it for it in later if it.injected_mono_ns > fault.injected_mono_ns), None)
    if following is None:
        return run_ended_ns
    return max(following.injected_mono_ns - SLOW_US * 1000, fault.injected_mono_ns)


def _troubled(measured: Measured, objective: FaultObjective) -> Iterator[int]:
    kinds = {
        kind
        for kind, traffic in measured.classes.items()
        if traffic == objective.traffic and objective.service in {"", measured.services.get(kind)}
    }
    for row in measured.rows:
        if row.kind in kinds and (row.outcome != "ok" or row.latency_us > SLOW_US):
            yield row.intended_mono_ns


def _last_ms(instants: list[int], begin_ns: int, end_ns: int) -> float:
    last_ns = max((at for at in instants if begin_ns <= at < end_ns), default=begin_ns)
    return (last_ns - begin_ns) / 1e6
