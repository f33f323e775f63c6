"""Whether a flow run measured anything, and whether its shoppers were served. Pure.

Locust itself exits 0 when a worker died and its load with it, and when its processes were too busy to measure.
"""

from collections.abc import Iterator, Mapping, Sequence

from contracts.flows import (
    FLOW_INVALIDATING,
    FlowReason,
    FlowReasonId,
    FlowReport,
    FlowSettings,
    FlowStep,
    FlowTally,
)
from contracts.report import Verdict

CPU_QUANTILE = 0.95


def high(values: Sequence[float]) -> float:
    """The 95th percentile of a worker's seconds, 0 for none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * CPU_QUANTILE), len(ordered) - 1)] if ordered else 0.0


def report_of(
    settings: FlowSettings,
    tallies: Sequence[FlowTally],
    steps: Mapping[str, FlowStep],
    *,
    lost_workers: int,
) -> FlowReport:
    """The report of a run; `tallies` are the last of every worker that said anything."""
    finished = sum(tally.finished for tally in tallies)
    missed = sum(tally.missed for tally in tallies)
    lost = max(lost_workers, settings.workers - len(tallies), 0)
    cpu_share = max((tally.cpu_share for tally in tallies), default=0.0)
    begun = sum(tally.started for tally in tallies) + missed
    requests = sum(step.requests for step in steps.values())
    failed = sum(step.failed for step in steps.values())
    ceilings: tuple[tuple[FlowReasonId, float, float], ...] = (
        ("worker_lost", lost, 0.0),
        ("generator_cpu", cpu_share, settings.cpu_share_max),
        ("missed_arrivals", missed / begun if begun else 0.0, settings.missed_share_max),
        ("failed_share", failed / requests if requests else 0.0, settings.failed_share_max),
    )
    reasons = (
        *_nothing(finished),
        *(FlowReason(id=it, measured=found, limit=limit) for it, found, limit in ceilings if found > limit),
    )  # fmt: skip
    return FlowReport(
        run=settings.run, verdict=verdict_of(reasons), reasons=reasons, workers=settings.workers,
        lost_workers=lost, journeys=finished, missed=missed, cpu_share=cpu_share,
        steps=dict(steps),
    )  # fmt: skip


def _nothing(finished: int) -> Iterator[FlowReason]:
    if not finished:
        yield FlowReason(id="nothing_measured", measured=0, limit=1)


def verdict_of(reasons: Sequence[FlowReason]) -> Verdict:
    """NO-GO for failed requests, INVALID for a run that proves nothing, else GO."""
    if any(reason.id not in FLOW_INVALIDATING for reason in reasons):
        return "NO-GO"
    return "INVALID" if reasons else "GO"
