"""Which seconds of a run are judged, and which lie before, during and after its faults. Pure."""

import math
from collections.abc import Iterator
from typing import Literal

from contracts.fault import FaultRecord
from contracts.gate import PhaseFigures, SecondFigures
from contracts.load import TrafficClass
from contracts.slo import Slo
from loadtest.drive.histogram import sum_of
from loadtest.gate.measured import Measured, Total, figures_of

Part = Literal["before", "during", "after"]
PARTS: tuple[Part, ...] = ("before", "during", "after")


def judged(measured: Measured, slo: Slo) -> frozenset[int]:
    """The seconds the objective holds for: those of the phases it names, or all."""
    seconds = {cell.second for cell in measured.cells}
    if not slo.phases:
        return frozenset(seconds)
    # A step's phases are named NAME-1 and on.
    spans = [
        (phase.start_s, phase.end_s)
        for phase in measured.phases
        if any(_names(phase.name, wanted) for wanted in slo.phases)
    ]
    return frozenset(
        second
        for second in seconds
        if any(begin_s <= second and second + 1 <= end_s + 1e-6 for begin_s, end_s in spans)
    )


def _names(phase: str, wanted: str) -> bool:
    head, dash, number = phase.rpartition("-")
    return phase == wanted or (dash == "-" and head == wanted and number.isdecimal())


def phase_figures(
    measured: Measured, traffic: TrafficClass, seconds: frozenset[int]
) -> Iterator[PhaseFigures]:
    """The figures of one class in each part of the run that has any; nothing in a run without faults."""
    faults = measured.proofs.faults
    if not faults:
        return
    parts = {second: part_of(measured, faults, second) for second in seconds}
    cells = [cell for cell in measured.of_class(traffic) if cell.second in seconds]
    for part in PARTS:
        figures = figures_of(cell for cell in cells if parts[cell.second] == part)
        if figures.sent:
            yield PhaseFigures(traffic=traffic, phase=part, figures=figures)


def part_of(measured: Measured, faults: tuple[FaultRecord, ...], second: int) -> Part:
    """`before` ends with the second a fault takes effect in, `after` begins when the last is healed."""
    first = min(math.floor(measured.second_of(fault.injected_mono_ns)) for fault in faults)
    last = max(
        measured.second_of(fault.healed_mono_ns) if fault.healed_mono_ns else math.inf
        for fault in faults
    )
    if second < first:
        return "before"
    return "after" if second >= last else "during"


def second_figures(measured: Measured) -> tuple[SecondFigures, ...]:
    """Every second of the run, all classes together, also those without a request."""
    by_second: dict[int, list[Total]] = {}
    for cell in measured.cells:
        by_second.setdefault(cell.second, []).append(cell)
    return tuple(
        _second(second, by_second.get(second, []))
        for second in range(max(by_second, default=-1) + 1)
    )


def _second(second: int, cells: list[Total]) -> SecondFigures:
    latencies = sum_of(cell.latencies for cell in cells)
    return SecondFigures(
        second,
        sum(cell.sent for cell in cells),
        sum(cell.ok for cell in cells),
        sum(cell.failed + cell.unknown for cell in cells),
        sum(cell.shed for cell in cells),
        latencies.quantile_ms(0.5),
        latencies.quantile_ms(0.99),
    )
