"""The score of a system under chaos: 100 for what was proven lately, less for what failed or was long ago. Pure.

A pass counts in full while it is fresh, then loses `STALE_POINTS` per further period of freshness: evidence ages.
A failure is worth half at most. A run that proved nothing leaves the last one that did, less `UNPROVEN_POINTS`.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from contracts.chaos import ChaosHistory, ChaosResult, ChaosVerdict, ExperimentScore

PASSED, FAILED, NEVER = 100.0, 50.0, 0.0
STALE_POINTS = 25.0
UNPROVEN_POINTS = 25.0
FAILURES: frozenset[ChaosVerdict] = frozenset({"deviated", "not_restored", "rollback_failed"})


class Rated(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment that counts: how much, and for how long a pass is fresh, hours."""

    experiment: str
    weight: float
    fresh_for_h: float


def is_refusal(run: ChaosResult) -> bool:
    """Whether nothing was played: a refusal says nothing about the system."""
    return run.verdict == "refused" or run.verdict.startswith("refused_")


def history(rated: Iterable[Rated], runs: Sequence[ChaosResult], *, now_s: float) -> ChaosHistory:
    """Every experiment's score and the weighted mean; `runs` in any order."""
    by_name: dict[str, list[ChaosResult]] = {}
    newest = sorted(runs, key=lambda run: run.started_wall_s, reverse=True)
    for run in newest:
        if not is_refusal(run):
            by_name.setdefault(run.experiment, []).append(run)
    scores = tuple(_score(it, by_name, now_s=now_s) for it in rated)
    weight = sum(it.weight for it in scores)
    mean = sum(it.score * it.weight for it in scores) / weight if weight else 0.0
    return ChaosHistory(score=round(mean, 1), experiments=scores, runs=tuple(newest))


def _score(
    rated: Rated, by_name: Mapping[str, Sequence[ChaosResult]], *, now_s: float
) -> ExperimentScore:
    runs = by_name.get(rated.experiment, ())
    if not runs:
        return _scored(rated, NEVER, None, check="never run", age_h=0.0)
    unproven = tuple(itertools.takewhile(lambda run: not _is_conclusive(run), runs))
    conclusive = runs[len(unproven)] if len(unproven) < len(runs) else None
    points, check, age_h = NEVER, "", 0.0
    if conclusive is not None:
        age_h = max(0.0, (now_s - conclusive.started_wall_s) / 3600)
        points, check = _points(rated, conclusive, age_h)
    if unproven:
        points = max(NEVER, points - UNPROVEN_POINTS)
        check = f"unproven: {why(unproven[0])}"
    return _scored(rated, points, runs[0], check=check, age_h=age_h)


def _points(rated: Rated, run: ChaosResult, age_h: float) -> tuple[float, str]:
    stale = max(0.0, age_h / rated.fresh_for_h - 1)
    decayed = max(NEVER, PASSED - STALE_POINTS * stale)
    if run.verdict in FAILURES:
        return min(FAILED, decayed), why(run)
    expired = f"expired: {age_h:.0f} h old, fresh for {rated.fresh_for_h:g} h" if stale else ""
    return decayed, expired


def why(run: ChaosResult) -> str:
    """The check that failed, in one line."""
    first = run.reasons[0] if run.reasons else None
    return f"{first.id}: {first.text}" if first else run.verdict


def _is_conclusive(run: ChaosResult) -> bool:
    return run.verdict == "passed" or run.verdict in FAILURES


def _scored(
    rated: Rated, points: float, last: ChaosResult | None, *, check: str, age_h: float
) -> ExperimentScore:
    return ExperimentScore(
        experiment=rated.experiment, score=round(points, 1), weight=rated.weight,
        last_run=last.run if last else "", last_verdict=last.verdict if last else "",
        age_h=round(age_h, 2), failed_check=check,
    )  # fmt: skip
