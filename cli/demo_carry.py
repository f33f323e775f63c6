"""One run on a place that is up: traffic, faults on schedule, drain, judge, report."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console

from cli.demo_facts import Gathering, drain, gather, take_baseline
from cli.demo_options import DemoOptions, load_plan
from cli.demo_place import Place
from cli.demo_sources import arm_taps, read_lines
from cli.demo_traffic import Traffic, prepare
from contracts.fault import FaultKind, FaultRecord
from contracts.load import LoadSummary, RequestRow
from contracts.report import Report
from loadtest import figures
from loadtest.report_html import page
from loadtest.verdict import Limits, judge
from runtime.cpu_wait import CpuWait

Injected = tuple[tuple[FaultRecord, ...], LoadSummary]
Inject = Callable[[Traffic], Injected]
"""Injects and heals every fault while the traffic runs to its end, and says what came of both."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run: its report and where the page stands."""

    report: Report
    page: Path


class Narrator:
    """Progress lines with the time since the start of the command."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began_s = time.monotonic()

    def __call__(self, text: str) -> None:
        """Print one line."""
        elapsed_s = int(time.monotonic() - self._began_s)
        stamp = f"{elapsed_s // 60}:{elapsed_s % 60:02}"
        self._console.print(f"  {stamp}  {text}", highlight=False, soft_wrap=True)


def carry(  # noqa: PLR0913 - a run is what it is on, what breaks and who is told
    options: DemoOptions,
    place: Place,
    folder: Path,
    *,
    inject: Inject,
    expected: tuple[FaultKind, ...],
    say: Narrator,
) -> Outcome:
    """Carry one run through in its folder; `expected` are the faults it must have seen take effect."""
    run = folder.name.rpartition("-")[2]
    plan = load_plan(options, run=run, core=place.core, edge=place.edge)
    canaries = prepare(plan, folder, cloud=place.mark)
    arm_taps(place, folder / "canaries.ndjson")
    baseline = take_baseline(place)
    with Traffic(folder, cloud=place.mark) as traffic:
        say(
            f"traffic {options.rate:g}/s for {options.duration_s:g} s, {canaries:,} canaries planted"
        )
        with CpuWait((*place.router_pids, traffic.pid)) as cpu_wait:
            faults, summary = inject(traffic)
    rows = read_lines(folder / "requests.ndjson", RequestRow)
    gathering = Gathering(
        place=place, folder=folder, plan=plan, rows=rows, summary=summary, faults=faults,
        faults_expected=expected, cpu_wait=cpu_wait,
    )  # fmt: skip
    drained = drain(gathering)
    say("drained, judging" if drained else "[red]not drained in time[/], judging")
    disabled = (options.without,) if options.without else ()
    report = judge(gather(gathering, baseline, drained=drained, disabled=disabled), Limits())
    return _write_report(report, gathering)


def _write_report(report: Report, gathering: Gathering) -> Outcome:
    started_ns = gathering.summary.started_mono_ns
    seconds = figures.per_second(gathering.rows, started_mono_ns=started_ns)
    html = gathering.folder / "report.html"
    html.write_text(page(report, seconds, started_mono_ns=started_ns))
    (gathering.folder / "report.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(report)) + b"\n"
    )
    return Outcome(report=report, page=html)
