"""What makes a promotion unusable, said in words; the API server refuses the same, files and clocks do not."""

import math
import zoneinfo
from collections.abc import Iterator

from autoscale.plan.durations import seconds
from autoscale.plan.model import Condition
from contracts.promotion import Promotion

WEEK_S = 7 * 86400.0
"""The longest lead, and the longest hold."""
AT_MOST_A_WEEK = ("spec.lead", "spec.leadMax", "spec.release.maxHold")
REPLICAS_MAX = 100_000
"""Of one workload; more is a mistake in a figure."""
LENGTH_MAX_S = 31 * 86400.0


def faults_of(promotion: Promotion) -> Iterator[Condition]:
    """Everything wrong with the object itself; nothing of it is scaled while there is anything."""
    for subject, message in (*_times(promotion), *_numbers(promotion), *_names(promotion)):
        yield Condition(type="Invalid", subject=subject, message=message)


def _times(promotion: Promotion) -> Iterator[tuple[str, str]]:
    spec = promotion.spec
    length_s = (spec.end - spec.start).total_seconds()
    if length_s <= 0:
        yield "spec.end", "end is not after start; set a later end"
    elif length_s > LENGTH_MAX_S:
        yield "spec.end", "a promotion lasts 31 days at most; split it"
    for place, text in _durations(promotion):
        try:
            lasts_s = seconds(text)
        except ValueError as error:
            yield place, str(error).replace("; expected", "; write")
            continue
        if place in AT_MOST_A_WEEK and lasts_s > WEEK_S:
            yield place, f"it is {text}; 168h is the most"
        if place.endswith("every") and lasts_s <= 0:
            yield place, "every is 0s; steps need time between them, for example 2m"
    try:
        zoneinfo.ZoneInfo(spec.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        yield (
            "spec.timeZone",
            f"{spec.time_zone!r} is no IANA zone; write for example Asia/Shanghai",
        )


def _durations(promotion: Promotion) -> Iterator[tuple[str, str]]:
    spec = promotion.spec
    if spec.lead != "auto":
        yield "spec.lead", spec.lead
    yield "spec.leadMax", spec.lead_max
    yield "spec.release.for", spec.release.for_
    yield "spec.release.maxHold", spec.release.max_hold
    yield "spec.release.every", spec.release.every


def _numbers(promotion: Promotion) -> Iterator[tuple[str, str]]:
    for workload in promotion.spec.workloads:
        place = f"spec.workloads[{workload.name}]"
        if not (0 < workload.expected_peak <= 1e9 and math.isfinite(workload.expected_peak)):
            yield f"{place}.expectedPeak", "expectedPeak must be above 0 and at most 1e9 requests/s"
        each = workload.capacity_per_replica
        if each is None:
            continue
        if not 0 < each <= 1e6:
            message = "capacityPerReplica must be above 0 and at most 1e6"
            yield f"{place}.capacityPerReplica", message
        elif workload.expected_peak / each > REPLICAS_MAX:
            needs = f"{workload.expected_peak / each:,.0f} replicas"
            message = f"expectedPeak / capacityPerReplica is {needs}; correct the two"
            yield f"{place}.expectedPeak", message
    for entry in promotion.spec.nodes:
        if entry.add is not None and not 0 <= entry.add <= 1000:
            yield f"spec.nodes[{entry.pool}].add", "add must be from 0 to 1000 nodes"


def _names(promotion: Promotion) -> Iterator[tuple[str, str]]:
    workloads = promotion.spec.workloads
    refs = [(workload.ref.kind, workload.ref.name) for workload in workloads]
    if len(set(refs)) != len(refs):
        yield "spec.workloads", "two entries name the same workload; keep one"
    if len({workload.name for workload in workloads}) != len(workloads):
        yield "spec.workloads", "two entries have the same name; keep one"
    pools = [entry.pool for entry in promotion.spec.nodes]
    if len(set(pools)) != len(pools):
        yield "spec.nodes", "two entries name the same pool; keep one"
