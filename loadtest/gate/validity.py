"""Whether a run measured anything: the generator, the machine, the target and the proofs. Pure.

A run that fails here may have broken nothing and still proves nothing; it is never GO.
"""

from collections.abc import Iterator, Sequence

from contracts.gate import GateReason, GeneratorFigures
from contracts.slo import GeneratorObjective, Slo
from loadtest.gate.measured import Measured, Proofs

CPU_QUANTILE = 0.95
"""A single busy second is no busy generator."""


def generator_figures(measured: Measured, seconds: frozenset[int]) -> GeneratorFigures:
    """What the generator cost and how well it kept to its plan, in the seconds that are judged."""
    generator = measured.generator
    offsets = [it.clock_offset_s for it in generator.machine]
    steal = [it.steal_share for it in generator.machine if it.second in seconds]
    pulses = [[it for it in worker if it.second in seconds] for worker in generator.pulses]
    return GeneratorFigures(
        workers=generator.workers,
        planned=generator.planned,
        sent=generator.sent,
        late=sum(cell.late for cell in measured.cells if cell.second in seconds),
        waited=sum(cell.waited for cell in measured.cells if cell.second in seconds),
        cpu_us_per_request=generator.cpu_s * 1e6 / generator.sent if generator.sent else 0.0,
        cpu_share_max=max((_high([it.cpu_ms / 1000 for it in one]) for one in pulses), default=0.0),
        lag_ms_max=max((it.lag_us / 1000 for one in pulses for it in one), default=0.0),
        steal_share=sum(steal) / len(steal) if steal else 0.0,
        clock_jump_ms=(max(offsets) - min(offsets)) * 1000 if offsets else 0.0,
    )


def _high(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * CPU_QUANTILE), len(ordered) - 1)] if ordered else 0.0


def validity(
    measured: Measured, slo: Slo, figures: GeneratorFigures, *, seconds: frozenset[int]
) -> Iterator[GateReason]:
    """One reason for everything that keeps the run from proving something."""
    yield from _generator(measured, slo.generator, figures, seconds=seconds)
    yield from _proofs(measured.proofs, slo)


def _generator(
    measured: Measured,
    limits: GeneratorObjective,
    figures: GeneratorFigures,
    *,
    seconds: frozenset[int],
) -> Iterator[GateReason]:
    generator = measured.generator
    if generator.missing:
        yield GateReason(id="generator_stopped", scope=generator.missing, measured=1, limit=0)
    owed = figures.planned * limits.sent_share_min
    if figures.sent < owed:
        yield GateReason(id="generator_short", measured=figures.sent, limit=owed)
    sent = sum(cell.sent for cell in measured.cells if cell.second in seconds)
    if figures.late > sent * limits.late_share_max:
        yield GateReason(
            id="generator_late", measured=figures.late, limit=sent * limits.late_share_max
        )
    if figures.cpu_share_max > limits.cpu_share_max:
        yield GateReason(
            id="generator_cpu", measured=figures.cpu_share_max, limit=limits.cpu_share_max
        )
    if figures.steal_share > limits.steal_share_max:
        yield GateReason(
            id="cpu_stolen", measured=figures.steal_share, limit=limits.steal_share_max
        )
    if figures.clock_jump_ms > limits.clock_jump_ms:
        yield GateReason(
            id="clock_jump", measured=figures.clock_jump_ms, limit=limits.clock_jump_ms
        )


def _proofs(proofs: Proofs, slo: Slo) -> Iterator[GateReason]:
    for name in sorted(proofs.unreadable):
        yield GateReason(id="proof_unreadable", scope=name, measured=1, limit=0)
    there = {
        "faults": proofs.faults is not None,
        "evidence": proofs.evidence is not None,
        "bridge": proofs.bridge is not None,
        "taps": bool(proofs.taps),
        "orders": proofs.orders is not None,
    }
    for name in slo.require:
        if not there[name] and not any(name in broken for broken in proofs.unreadable):
            yield GateReason(id="proof_missing", scope=name, measured=0, limit=1)


def unreachable_share(measured: Measured, seconds: frozenset[int]) -> float:
    """The share of requests in the judged seconds that got no answer at all; every one of them has a row."""
    sent = sum(cell.sent for cell in measured.cells if cell.second in seconds)
    silent = sum(
        row.status == 0 and int(measured.second_of(row.intended_mono_ns)) in seconds
        for row in measured.rows
    )
    return silent / sent if sent else 0.0
