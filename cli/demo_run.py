"""One demo run from nothing to its verdict: up, traffic, faults on schedule, drain, judge, report.

The only place where cloud, load, chaos, router evidence and warehouse meet; every decision stands elsewhere.
"""

import subprocess
import time
from pathlib import Path

import msgspec
import psycopg
from rich.console import Console

from chaos.faults import FaultError, NotHealedError
from cli.demo_cpu import CpuWait
from cli.demo_facts import Gathering, drain, gather, take_baseline
from cli.demo_faults import inject_on_schedule
from cli.demo_options import DemoOptions, load_plan
from cli.demo_place import embedded
from cli.demo_runs import new_run
from cli.demo_scan import ScanError
from cli.demo_sources import FactError, arm_taps, read_lines
from cli.demo_traffic import Traffic, TrafficError, prepare
from contracts.cloud import CloudState
from contracts.load import RequestRow
from contracts.report import Report
from loadtest import figures
from loadtest.report_html import page
from loadtest.verdict import Limits, judge
from local.cloud import CloudError, CloudUsageError, hold
from local.plan import CloudOptions
from runtime.control import ControlError
from runtime.processes import is_running
from sync.reader import VerifyError
from sync.settings import SettingsError

USAGE, ENVIRONMENT, NOT_HEALED = 2, 3, 5
KILLED_ON_PURPOSE = frozenset({"ads", "bridge"})
"""Roles the demo's own faults end."""


class DemoError(Exception):
    """The run could not be carried through: what, where, how to go on, and the exit code that says so."""

    def __init__(self, error: Exception, *, died: str = "") -> None:
        super().__init__(f"{error}{died}")
        match error:
            case CloudUsageError():
                self.exit_code = USAGE
            case NotHealedError():
                self.exit_code = NOT_HEALED
            case _:
                self.exit_code = ENVIRONMENT


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


def run_demo(options: DemoOptions, console: Console) -> Outcome:
    """Carry one run through. Raises `DemoError`; on any way out nothing of ours is left running."""
    say = Narrator(console)
    for line in _cast(options):
        console.print(line, highlight=False, soft_wrap=True)
    wanted = CloudOptions(
        without=frozenset({options.without} if options.without else ()), keep=options.keep
    )
    died = ""
    try:
        with hold(options.root, wanted, say) as state:
            say("ready")
            try:
                return _run_on(options, state, say)
            finally:
                died = tell_of_the_dead(state)
    except (
        CloudError, FaultError, FactError, ScanError, TrafficError, ControlError, VerifyError,
        SettingsError, psycopg.Error, OSError, subprocess.TimeoutExpired, msgspec.MsgspecError,
    ) as error:  # fmt: skip
        raise DemoError(error, died=died) from error


def tell_of_the_dead(state: CloudState) -> str:
    """Which processes no fault of ours ends have died, and where they say why; empty when none has."""
    dead = [
        it
        for it in state.processes
        if it.role not in KILLED_ON_PURPOSE and not is_running(it.pid, it.start_ticks)
    ]
    if not dead:
        return ""
    logs = "\n".join(f"  {it.name} died during the run; its log: {it.log}" for it in dead)
    return f"\n{logs}\n  fix: run it again; if it dies again, the log says why"


def _cast(options: DemoOptions) -> list[str]:
    without = f" · [red]without {options.without}[/]" if options.without else ""
    return [
        f"[bold]Isthmus demo[/] · seed {options.seed}{without}",
        "  public   10 ad nodes, clicks, Kafka 4.3, edge router",
        "  private  orders, profiles, ad reserve, Kafka 4.3, PostgreSQL 18, core router, bridge",
    ]


def _run_on(options: DemoOptions, state: CloudState, say: Narrator) -> Outcome:
    with new_run(options.root / ".isthmus" / "runs", say) as folder:
        return _run_in(folder, options, state, say)


def _run_in(folder: Path, options: DemoOptions, state: CloudState, say: Narrator) -> Outcome:
    place = embedded(state)
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
            faults, summary = inject_on_schedule(options, state, traffic, say)
    rows = read_lines(folder / "requests.ndjson", RequestRow)
    gathering = Gathering(
        place=place, folder=folder, plan=plan, rows=rows, summary=summary, faults=faults,
        cpu_wait=cpu_wait,
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
