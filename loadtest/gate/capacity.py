"""What a service was measured to carry, level by level, and what that leaves free at the forecast peak. Pure.

A level is a phase of constant rate. Capacity is the highest level that kept the objective with all below it: a
measured fact. The law fitted through all levels (`usl`) says where the knee is and how sure that is.
"""

import math
from collections.abc import Sequence

import numpy as np

from contracts.capacity import Capacity, CapacityLevel, Confidence, ServiceCapacity
from contracts.drive import Phase
from contracts.gate import HeadroomFigures
from contracts.slo import CapacityObjective, ClassObjective, Slo
from loadtest.gate.measured import Measured, Total, figures_of
from loadtest.gate.usl import fit

LEVELS_WANTED = 9
"""Fewer give an interval too wide to plan with (measured: 7 points with 3 % noise put the knee 11 % off)."""
SETTLE_S = 1
"""The first second of a level still shows the one before it."""
SEED = 7
"""Of the bootstrap: the same run gives the same intervals."""


def capacity_of(measured: Measured, slo: Slo) -> Capacity | None:
    """The capacity of every service the objective names; None if it names none."""
    if not slo.capacity:
        return None
    return Capacity(
        run=measured.run,
        wall_ms=measured.started_wall_ms,
        services={
            name: service_capacity(
                levels_of(measured, name, slo.classes[objective.traffic], objective), objective
            )
            for name, objective in slo.capacity.items()
        },
    )


def levels_of(
    measured: Measured, service: str, objective: ClassObjective, wanted: CapacityObjective
) -> list[CapacityLevel]:
    """The levels of one service in order of offered rate; a phase without a request of it is none."""
    kinds = {
        kind
        for kind, name in measured.services.items()
        if name == service and measured.classes[kind] == wanted.traffic
    }
    found = [
        level
        for phase in measured.phases
        if phase.rate == phase.to
        and (level := _level(measured, phase, kinds, objective)) is not None
    ]
    return sorted(found, key=lambda level: level.offered_rps)


def _level(
    measured: Measured, phase: Phase, kinds: set[str], objective: ClassObjective
) -> CapacityLevel | None:
    first = math.ceil(phase.start_s - 1e-9)
    last = math.floor(phase.end_s + 1e-9)
    if last - first > SETTLE_S + 1:
        first += SETTLE_S
    cells = [it for it in measured.cells if it.kind in kinds and first <= it.second < last]
    if not cells:
        return None
    seconds = last - first
    figures = figures_of(cells)
    ok_rps = figures.ok / seconds
    return CapacityLevel(
        offered_rps=figures.sent / seconds,
        ok_rps=ok_rps,
        ok_rps_low=max(ok_rps - _half_width(cells, first, last), 0.0),
        concurrency=ok_rps * _mean_ms(cells) / 1000,
        p99_ms=figures.p99_ms,
        good=(
            figures.ok >= figures.sent * objective.availability
            and all(
                limit <= 0 or measured_ms <= limit
                for measured_ms, limit in (
                    (figures.p50_ms, objective.p50_ms),
                    (figures.p99_ms, objective.p99_ms),
                    (figures.p999_ms, objective.p999_ms),
                )
            )
        ),
    )


def _half_width(cells: Sequence[Total], first: int, last: int) -> float:
    """Half of the 95 % interval of the mean rate, from how its seconds differ."""
    per_second = np.zeros(last - first)
    for cell in cells:
        per_second[cell.second - first] += cell.ok
    if per_second.size < 2:
        return float(1.96 * math.sqrt(per_second.sum()))
    return float(1.96 * per_second.std(ddof=1) / math.sqrt(per_second.size))


def _mean_ms(cells: Sequence[Total]) -> float:
    count = sum(cell.latencies.count for cell in cells)
    total_ms = sum(cell.latencies.mean_ms * cell.latencies.count for cell in cells)
    return total_ms / count if count else 0.0


def service_capacity(
    levels: Sequence[CapacityLevel], objective: CapacityObjective
) -> ServiceCapacity:
    """Capacity from levels in ascending order."""
    kept = 0
    while kept < len(levels) and levels[kept].good:
        kept += 1
    best = levels[kept - 1] if kept else None
    fitted = fit(
        [level.concurrency for level in levels],
        [level.ok_rps for level in levels],
        np.random.default_rng(SEED),
    )
    confidence, why = _confidence(len(levels), kept)
    return ServiceCapacity(
        replicas=objective.replicas,
        measured_rps=best.ok_rps if best else 0.0,
        replica_rps=best.ok_rps / objective.replicas if best else 0.0,
        replica_rps_low=best.ok_rps_low / objective.replicas if best else 0.0,
        confidence=confidence,
        why=why,
        fit=fitted,
        levels=tuple(levels),
    )


def _confidence(levels: int, kept: int) -> tuple[Confidence, str]:
    if not kept:
        return "none", "no level kept the objective" if levels else "no phase of constant rate"
    if kept == levels:
        return "low", "every level kept the objective: the limit lies higher than was tried"
    if levels < LEVELS_WANTED:
        return "low", f"{levels} levels, {LEVELS_WANTED} are wanted"
    return "high", ""


def headroom_of(capacity: Capacity | None, slo: Slo) -> tuple[HeadroomFigures, ...]:
    """Each forecast against its service's capacity: arithmetic, never a run at that rate."""
    found: list[HeadroomFigures] = []
    for name, forecast in slo.forecast.items():
        measured = capacity.services.get(name) if capacity else None
        if measured is None or measured.confidence == "none":
            continue
        expected, low = (
            rps * forecast.replicas for rps in (measured.replica_rps, measured.replica_rps_low)
        )
        found.append(
            HeadroomFigures(
                service=name,
                peak_rps=forecast.peak_rps,
                capacity_rps=expected,
                headroom=1 - forecast.peak_rps / expected if expected else -1.0,
                headroom_low=1 - forecast.peak_rps / low if low else -1.0,
            )
        )
    return tuple(found)
