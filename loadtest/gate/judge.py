"""Which verdict a measured run earns under an objective, and why. Pure.

A measured violation is NO-GO even in a run that is otherwise invalid, as in `loadtest.verdict`: a leak seen by a
slow generator is still a leak. A limit in time that a starved or stopped generator broke is no measurement.
"""

from collections.abc import Iterator

from contracts.capacity import Capacity
from contracts.gate import (
    GATE_INVALIDATING,
    GATE_TIMED,
    GATE_UNTIMED,
    BudgetFigures,
    FaultFigures,
    GateReason,
    GateReasonId,
    GateReport,
    HeadroomFigures,
    PhaseFigures,
)
from contracts.load import TrafficClass
from contracts.report import ClassFigures, Verdict
from contracts.slo import ClassObjective, Slo
from loadtest.gate.capacity import capacity_of, headroom_of
from loadtest.gate.evidence import evidence_reasons, proof_words
from loadtest.gate.measured import Measured, figures_of
from loadtest.gate.phases import judged, phase_figures, second_figures
from loadtest.gate.recovery import recoveries
from loadtest.gate.slo import class_objectives, fault_objective_name, fault_objectives
from loadtest.gate.validity import generator_figures, unreachable_share, validity

RATIO_SAMPLES_MIN = 200
"""A p99 of fewer requests is one of them."""
SPENT = 1e9
"""A burn rate where the objective allows none and one was bad: any number above every limit."""


def judge(measured: Measured, slo: Slo, environment: dict[str, str]) -> GateReport:
    """The whole report of a run."""
    seconds = judged(measured, slo)
    classes: list[TrafficClass] = sorted(set(measured.classes.values()))
    by_class: dict[TrafficClass, ClassFigures] = {
        traffic: figures_of(it for it in measured.of_class(traffic) if it.second in seconds)
        for traffic in classes
    }
    phases = tuple(
        figures for traffic in classes for figures in phase_figures(measured, traffic, seconds)
    )
    faults = recoveries(measured, slo)
    budget = tuple(
        _budget(traffic, by_class[traffic], slo, len(seconds))
        for traffic in class_objectives(slo)
        if traffic in by_class
    )
    capacity = capacity_of(measured, slo)
    headroom = headroom_of(capacity, slo)
    generator = generator_figures(measured, seconds)
    reasons = [
        *validity(measured, slo, generator, seconds=seconds),
        *evidence_reasons(measured, slo, seconds),
        *_faults(faults, measured, slo),
    ]
    if (nothing := _nothing(measured, slo, by_class, seconds)) is not None:
        reasons.append(nothing)
    else:
        reasons += _limits(by_class, phases, slo)
        reasons += _budgets(budget, slo)
        reasons += _headroom(headroom, capacity, slo)
    return GateReport(
        verdict=verdict_of(reasons), reasons=tuple(reasons), run=measured.run,
        duration_s=measured.duration_s, by_class=by_class, phases=phases, faults=faults,
        budget=budget, headroom=headroom, generator=generator, orders=measured.proofs.orders,
        capacity=capacity, proofs=proof_words(measured.proofs),
        seconds=second_figures(measured), environment=environment,
    )  # fmt: skip


def verdict_of(reasons: list[GateReason]) -> Verdict:
    """NO-GO for any measured violation, else INVALID for any missing proof, else GO."""
    found = {reason.id for reason in reasons}
    forgiven = GATE_INVALIDATING | (
        GATE_TIMED if found & GATE_UNTIMED else frozenset[GateReasonId]()
    )
    if found - forgiven:
        return "NO-GO"
    return "INVALID" if reasons else "GO"


def _nothing(
    measured: Measured,
    slo: Slo,
    by_class: dict[TrafficClass, ClassFigures],
    seconds: frozenset[int],
) -> GateReason | None:
    """Why there is no figure to hold against a limit, if so: no requests, or next to no answers."""
    for traffic in class_objectives(slo):
        figures = by_class.get(traffic)
        if figures is None or not figures.sent:
            return GateReason(id="nothing_measured", scope=traffic, measured=0, limit=1)
    answered = 1 - unreachable_share(measured, seconds)
    if answered < slo.generator.answered_share_min:
        return GateReason(
            id="target_unreachable", measured=answered, limit=slo.generator.answered_share_min
        )
    return None


def _limits(
    by_class: dict[TrafficClass, ClassFigures], phases: tuple[PhaseFigures, ...], slo: Slo
) -> Iterator[GateReason]:
    for traffic, objective in class_objectives(slo).items():
        figures = by_class[traffic]
        served = figures.ok / figures.sent
        if served < objective.availability:
            yield GateReason(
                id="availability", scope=traffic, measured=served, limit=objective.availability
            )
        ceilings: tuple[tuple[GateReasonId, float, float], ...] = (
            ("p50", figures.p50_ms, objective.p50_ms),
            ("p99", figures.p99_ms, objective.p99_ms),
            ("p999", figures.p999_ms, objective.p999_ms),
        )
        for reason, measured_ms, limit_ms in ceilings:
            if 0 < limit_ms < measured_ms:
                yield GateReason(id=reason, scope=traffic, measured=measured_ms, limit=limit_ms)
        if objective.disturbed_ratio:
            yield from _disturbed(traffic, objective, phases)


def _disturbed(
    traffic: TrafficClass, objective: ClassObjective, phases: tuple[PhaseFigures, ...]
) -> Iterator[GateReason]:
    parts = {it.phase: it.figures for it in phases if it.traffic == traffic}
    before, during = parts.get("before"), parts.get("during")
    if before is None or during is None or min(before.sent, during.sent) < RATIO_SAMPLES_MIN:
        fewest = min(before.sent if before else 0, during.sent if during else 0)
        yield GateReason(
            id="nothing_measured", scope=f"{traffic} before and during a fault", measured=fewest,
            limit=RATIO_SAMPLES_MIN,
        )  # fmt: skip
    elif during.p99_ms > before.p99_ms * objective.disturbed_ratio:
        yield GateReason(
            id="disturbed_ratio", scope=traffic, measured=during.p99_ms / max(before.p99_ms, 1e-3),
            limit=objective.disturbed_ratio,
        )  # fmt: skip


def _faults(faults: tuple[FaultFigures, ...], measured: Measured, slo: Slo) -> Iterator[GateReason]:
    records = {fault.id: fault for fault in measured.proofs.faults or ()}
    objectives = fault_objectives(slo)
    for fault in faults:
        objective = objectives.get(fault_objective_name(fault.kind))
        # A fault from outside the run's time is of another run, or of another clock.
        if not fault.proven or not measured.holds(records[fault.id].injected_mono_ns):
            yield GateReason(id="fault_not_proven", scope=fault.id, measured=0, limit=1)
        if not records[fault.id].healed_mono_ns:
            yield GateReason(id="fault_not_healed", scope=fault.id, measured=1, limit=0)
        if objective is None:
            continue
        if 0 < objective.rto_ms < fault.rto_ms:
            yield GateReason(
                id="rto", scope=fault.id, measured=fault.rto_ms, limit=objective.rto_ms
            )
        if 0 < objective.failback_ms < fault.failback_ms:
            yield GateReason(
                id="failback", scope=fault.id, measured=fault.failback_ms,
                limit=objective.failback_ms,
            )  # fmt: skip
    if "faults" in slo.require and measured.proofs.faults is not None:
        seen = {fault_objective_name(fault.kind) for fault in faults}
        for name in slo.faults:
            if fault_objective_name(name) not in seen:
                yield GateReason(id="fault_not_proven", scope=name, measured=0, limit=1)


def _budget(traffic: TrafficClass, figures: ClassFigures, slo: Slo, seconds: int) -> BudgetFigures:
    """What the run's bad requests are of the budget the objective allows in its window.

    Without the window's requests the run's share of the window's time stands for them.
    """
    bad = figures.failed + figures.shed
    spare = 1 - slo.classes[traffic].availability
    allowed = spare * figures.sent
    burn = bad / allowed if allowed else (SPENT if bad else 0.0)
    if slo.budget.window_requests and spare:
        share = bad / (spare * slo.budget.window_requests)
    else:
        share = burn * seconds / (slo.budget.window_days * 86_400)
    return BudgetFigures(
        traffic=traffic, bad=bad, allowed=allowed, burn_rate=burn, window_share=share
    )


def _budgets(budget: tuple[BudgetFigures, ...], slo: Slo) -> Iterator[GateReason]:
    for one in budget:
        if one.window_share > slo.budget.share_max:
            yield GateReason(
                id="budget",
                scope=one.traffic,
                measured=one.window_share,
                limit=slo.budget.share_max,
            )


def _headroom(
    headroom: tuple[HeadroomFigures, ...], capacity: Capacity | None, slo: Slo
) -> Iterator[GateReason]:
    for name in slo.capacity:
        measured = capacity.services.get(name) if capacity else None
        if measured is None or measured.confidence == "none":
            yield GateReason(id="capacity_unmeasured", scope=name, measured=0, limit=1)
    for one in headroom:
        limit = slo.forecast[one.service].headroom
        if one.headroom_low < limit:
            yield GateReason(
                id="headroom", scope=one.service, measured=one.headroom_low, limit=limit
            )
