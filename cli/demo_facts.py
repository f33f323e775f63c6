"""What a run left behind, gathered from every place that knows a part of it, as the facts to be judged."""

import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cli.demo_options import FAULTS
from cli.demo_place import Place
from cli.demo_scan import canaries_at_rest
from cli.demo_sources import (
    Counts,
    clock_offset_s,
    poll,
    read_counts,
    read_lines,
    read_taps,
)
from contracts.fault import FaultKind, FaultRecord
from contracts.history import OrderCheck, OrderEvent
from contracts.load import LoadPlan, LoadSummary, RequestRow
from contracts.report import Events, Evidence, Failover, Leaks, Orders
from contracts.tap import Canary, TapReport
from loadtest import figures
from loadtest.check_events import check_events, with_link
from loadtest.check_orders import check_orders
from loadtest.ledger import rows_of_run as ledger_rows
from loadtest.plan import key_prefix
from loadtest.verdict import RunFacts
from loadtest.warehouse import count_of_run
from loadtest.warehouse import rows_of_run as warehouse_rows
from runtime.cpu_wait import CpuWait
from sync.verify import plan_from_settings, verify

DRAIN_S = 30.0
"""The bridge is behind by at most a link cut of clicks and two restarts, and catches up in seconds."""
SETTLE_S = 5.0
"""Public decisions are written to the evidence once a second."""
LINK_S = 20.0
"""A click that nobody acknowledged may still be under way when the acknowledged ones are all there."""
PUBLIC_SITES = frozenset({"public"})


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """Counters and clocks before the run; a kept cloud has counted other runs."""

    counts: Counts
    clock_offset_s: float
    wall_ms: int


class Gathering(msgspec.Struct, frozen=True, kw_only=True):
    """Where to gather: the place, the run's folder and plan, its rows and the faults injected."""

    place: Place
    folder: Path
    plan: LoadPlan
    rows: list[RequestRow]
    summary: LoadSummary
    faults: tuple[FaultRecord, ...]
    faults_expected: tuple[FaultKind, ...] = FAULTS
    cpu_wait: CpuWait


def take_baseline(place: Place) -> Baseline:
    """Counters and clocks before the first request, read when counters and evidence stand still."""
    counts = [read_counts(place)]

    def still() -> bool:
        before, counts[0] = counts[0], read_counts(place)
        return before == counts[0]

    poll(still, within_s=SETTLE_S)
    return Baseline(
        counts=counts[0], clock_offset_s=clock_offset_s(), wall_ms=time.time_ns() // 10**6
    )


def drain(gathering: Gathering) -> bool:
    """Wait until every acknowledged click is in the warehouse; False when time runs out."""
    wanted = len(figures.acked_clicks(gathering.rows))
    dsn, prefix = gathering.place.warehouse_dsn, key_prefix(gathering.plan)
    return poll(lambda: count_of_run(dsn, run=prefix) >= wanted, within_s=DRAIN_S)


def gather(
    gathering: Gathering, baseline: Baseline, *, drained: bool, disabled: tuple[str, ...]
) -> RunFacts:
    """Everything measured in the run. Raises `FactError`, `ControlError`, `ScanError`."""
    taps = read_taps(gathering.place)
    counts = _settled(gathering.place, baseline)
    check = _order_check(gathering)
    rows, plan = gathering.rows, gathering.plan
    return RunFacts(
        seed=plan.seed,
        duration_s=plan.duration_s,
        requests=figures.requests_of(rows),
        leaks=_leaks(gathering, taps, guard_blocks=counts.guard_blocks),
        orders=Orders(
            acked=check.acked,
            unknown=check.unknown,
            lost=check.lost,
            duplicate=check.duplicate,
            phantom=check.phantom + check.unexpected,
        ),
        orders_mismatch=check.mismatch + check.idempotency,
        orders_failed=figures.orders_failed(rows),
        events=_events(gathering, baseline),
        failover=_failover(gathering),
        faults_expected=gathering.faults_expected,
        faults=gathering.faults,
        evidence=Evidence(records=counts.recorded, chain_ok=counts.chain_ok),
        decisions=counts.decisions,
        scan_misses=figures.scan_misses(rows, PUBLIC_SITES),
        planned=gathering.summary.planned,
        tap_errors=sum(tap.errors for tap in taps),
        starved_s=gathering.cpu_wait.starved_s,
        clock_jump_ms=abs(clock_offset_s() - baseline.clock_offset_s) * 1000,
        drained=drained,
        disabled=disabled,
        environment=_environment(gathering),
    )


def _settled(place: Place, baseline: Baseline) -> Counts:
    """This run's counts, read when counters and evidence agree or can no longer be expected to."""
    latest = [read_counts(place).since(baseline.counts)]

    def agree() -> bool:
        latest[0] = read_counts(place).since(baseline.counts)
        return latest[0].decisions == latest[0].recorded

    poll(agree, within_s=SETTLE_S)
    return latest[0]


def _order_check(gathering: Gathering) -> OrderCheck:
    return check_orders(
        read_lines(gathering.folder / "orders.ndjson", OrderEvent),
        ledger_rows(gathering.place.ledger_dsn, key_prefix=key_prefix(gathering.plan)),
    )


def _events(gathering: Gathering, baseline: Baseline) -> Events:
    """Clicks by their ids, and every record of the link since the run began by coordinates and digests."""
    rows = warehouse_rows(gathering.place.warehouse_dsn, run=key_prefix(gathering.plan))
    settings = gathering.place.bridge_settings
    link = verify(plan_from_settings(settings, since_ms=baseline.wall_ms), wait_s=LINK_S)
    return with_link(check_events(figures.acked_clicks(gathering.rows), rows), link)


def _leaks(gathering: Gathering, taps: list[TapReport], *, guard_blocks: int) -> Leaks:
    must_be_seen = figures.public_beacons(gathering.rows, PUBLIC_SITES)
    seen = {line for tap in taps for line in Path(tap.beacons_file).read_text().splitlines()}
    on_wire = {hit.canary for tap in taps for hit in tap.hits}
    canaries = read_lines(gathering.folder / "canaries.ndjson", Canary)
    at_rest = canaries_at_rest(gathering.place, canaries)
    return Leaks(
        canaries_planted=figures.canaries_planted(gathering.rows),
        seen_public=len(on_wire | at_rest),
        guard_blocks=guard_blocks,
        beacons_sent=len(must_be_seen),
        beacons_seen=len(seen & must_be_seen),
        tap_bytes=sum(tap.bytes_up + tap.bytes_down for tap in taps),
    )


def _failover(gathering: Gathering) -> Failover:
    kill, cut = (_fault(gathering.faults, kind) for kind in ("node_kill", "link_cut"))
    end_ns = gathering.summary.ended_mono_ns
    ads = figures.Scope(expected="public", operation="ads")
    core_ads = figures.Scope(expected="public", operation="ads", door="core")
    return Failover(
        nodes=gathering.place.ad_nodes,
        killed=len(kill.targets) if kill else 0,
        rto_ms=_rto_ms(gathering, kill, _undisturbed_until_ns(cut, end_ns), ads),
        failed_idempotent=figures.failed_idempotent(gathering.rows),
        site_cut_rto_ms=_rto_ms(
            gathering, cut, (cut.healed_mono_ns if cut else 0) or end_ns, core_ads
        ),
        edge_failed=figures.edge_failed(_during(gathering.rows, cut)),
    )


def _undisturbed_until_ns(following: FaultRecord | None, end_ns: int) -> int:
    """Until when requests tell of the fault before `following`: later ones may still have been under way."""
    if following is None:
        return end_ns
    return following.injected_mono_ns - int(figures.SLOW_MS * 1e6)


def _rto_ms(
    gathering: Gathering, fault: FaultRecord | None, until_mono_ns: int, scope: figures.Scope
) -> float:
    if fault is None:
        return 0.0
    return figures.rto_ms(
        gathering.rows,
        fault.injected_mono_ns,
        until_mono_ns=until_mono_ns,
        scope=scope,
        shed_is_trouble=True,  # an ad turned away was not served, by the reserve or anybody
    )


def _during(rows: list[RequestRow], fault: FaultRecord | None) -> Iterator[RequestRow]:
    if fault is None:
        return iter(())
    until_ns = fault.healed_mono_ns or fault.injected_mono_ns
    return figures.within(rows, fault.injected_mono_ns, until_mono_ns=until_ns)


def _fault(faults: tuple[FaultRecord, ...], kind: FaultKind) -> FaultRecord | None:
    return next((fault for fault in faults if fault.kind == kind), None)


def _environment(gathering: Gathering) -> dict[str, str]:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    summary = gathering.summary
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, kernel {platform.release()}",
        "python": platform.python_version(),
        "load average": load,
        "generator CPU": f"{summary.cpu_s:.1f} s of {summary.wall_s:.1f} s",
        "longest wait for a processor": f"{gathering.cpu_wait.wait_share_max:.0%} of a second, "
        f"over 50 % in {gathering.cpu_wait.starved_s} seconds",
        **gathering.place.environment,
        "run": str(gathering.folder),
    }
