"""`isthmus load`: drive a plan, judge a run, hold two runs against each other; the work stands in `loadtest`."""

import os
import platform
import time
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.console import Console

from cli.load_flows import COLOUR, ENVIRONMENT, EXIT, NO_GO, USAGE, flows
from contracts.drive import DriveRun
from contracts.gate import CompareReport, GateReport
from contracts.slo import Slo
from loadtest.drive.document import Loaded, load_plan
from loadtest.drive.run import Drive, DriveError, interrupting, prepare
from loadtest.gate.compare import compare as hold_against
from loadtest.gate.judge import judge
from loadtest.gate.junit import junit
from loadtest.gate.measured import figures_of
from loadtest.gate.page import page
from loadtest.gate.phases import judged
from loadtest.gate.read import RunError, read_run
from loadtest.gate.slo import load_slo
from loadtest.gate.words import markdown
from policy.problems import PolicyError

INTERRUPTED = 4
Format = Literal["html", "markdown", "junit", "json"]
EVERYTHING = Slo(version="isthmus/v1", classes={})
"""No objective: two runs may be compared without one."""

load_app = typer.Typer(
    help="Open-loop load, its verdict, and two runs compared.", no_args_is_help=True
)
load_app.command()(flows)
Json = Annotated[bool, typer.Option("--json", help="The contract's keys as JSON.")]


@load_app.command()
def run(
    *,
    plan: Annotated[Path, typer.Option("--file", "-f", metavar="FILE", help="plan.yaml")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write; .isthmus/load/NAME-TIME.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send what a plan says, open loop, and keep what came of it.

    Exit code 2 for a plan that cannot be run (nothing is sent), 3 if a worker was lost, 4 if interrupted.

    Example: isthmus load run -f plan.yaml --out run-1
    """
    loaded = _plan(plan)
    directory = out or Path(".isthmus/load") / f"{loaded.plan.run}-{time.strftime('%m%d-%H%M%S')}"
    try:
        prepare(loaded, directory, plan.parent)
        done = _drive(loaded, directory)
    except (DriveError, OSError) as error:
        typer.echo(f"isthmus load run: {error}", err=True)
        raise typer.Exit(ENVIRONMENT) from error
    if as_json:
        typer.echo(msgspec.json.encode(done))
    else:
        _tell(done, directory)
    if done.stopped:
        raise typer.Exit(INTERRUPTED)
    if done.lost_workers:
        raise typer.Exit(ENVIRONMENT)


def _plan(path: Path) -> Loaded:
    """The plan, or exit code 2 with every fault of it."""
    try:
        return load_plan(
            path.read_bytes(), str(path), lambda name: (path.parent / name).read_bytes()
        )
    except OSError as error:
        typer.echo(
            f"isthmus load run: {path}: {error.strerror}; expected a load plan; fix: correct the path",
            err=True,
        )
        raise typer.Exit(USAGE) from error
    except PolicyError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(USAGE) from error


def _drive(loaded: Loaded, directory: Path) -> DriveRun:
    console = Console(stderr=True, highlight=False)
    total_s = loaded.duration_s
    with Drive(loaded, directory) as drive, interrupting(drive):
        if not console.is_terminal:
            drive.wait(lambda _: None)
            return drive.finish()
        with console.status("…") as status:
            drive.wait(
                lambda second: status.update(f"{min(second, total_s):.0f} of {total_s:.0f} s")
            )
        return drive.finish()


def _tell(done: DriveRun, directory: Path) -> None:
    sent = sum(it.sent for it in done.summaries)
    cpu_s = sum(it.cpu_s for it in done.summaries)
    planned = sum(it.planned for it in done.summaries)
    late = sum(it.late for it in done.summaries)
    cost = f", {cpu_s * 1e6 / sent:.1f} µs CPU each" if sent else ""
    typer.echo(f"sent {sent:,} of {planned:,} requests, {late:,} late{cost}")
    measured = read_run(directory, EVERYTHING)
    for traffic in sorted(set(measured.classes.values())):
        figures = figures_of(measured.of_class(traffic))
        typer.echo(
            f"  {traffic:9} {figures.ok:,} ok, {figures.shed:,} shed, {figures.failed:,} failed; "
            f"p50 {figures.p50_ms:.1f} ms, p99 {figures.p99_ms:.1f} ms, p99.9 {figures.p999_ms:.1f} ms"
        )
    if done.lost_workers:
        typer.echo(f"workers lost: {', '.join(map(str, done.lost_workers))}; the run is INVALID")
    if done.stopped:
        typer.echo(f"stopped by {done.stopped}; the run is INVALID")
    typer.echo(f"run: {directory}\nnext: isthmus load gate --slo slo.yaml {directory}")


RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a run.")]


@load_app.command()
def gate(
    directory: RunArgument,
    *,
    slo: Annotated[Path, typer.Option("--slo", metavar="FILE", help="slo.yaml")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to write; the run's directory.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Judge a run by an objective: GO, NO-GO or INVALID, and why.

    Writes gate.json, gate.html, gate.xml (JUnit), gate.md and, where asked for, capacity.json. Exit code 0 GO,
    1 NO-GO, 2 a file that cannot be used, 3 INVALID.

    Example: isthmus load gate --slo slo.yaml .isthmus/load/sale-1111-080000
    """
    objective = _slo("gate", slo)
    try:
        report = judge(read_run(directory, objective), objective, _environment())
        _write(report, out or directory)
    except RunError as error:
        typer.echo(f"isthmus load gate: {error}", err=True)
        raise typer.Exit(USAGE) from error
    except OSError as error:
        typer.echo(f"isthmus load gate: {error}", err=True)
        raise typer.Exit(ENVIRONMENT) from error
    if as_json:
        typer.echo(msgspec.json.encode(report))
    else:
        _say(report, out or directory)
    raise typer.Exit(EXIT[report.verdict])


@load_app.command()
def report(
    directory: RunArgument,
    *,
    kind: Annotated[Format, typer.Option("--format", help="What to print.")] = "markdown",
) -> None:
    """Print the verdict a run was given, in another format.

    Example: isthmus load report --format junit .isthmus/load/sale-1111-080000
    """
    path = directory / "gate.json"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=GateReport)
    except (OSError, msgspec.MsgspecError) as error:
        typer.echo(
            f"isthmus load report: {path}: {error}; expected the verdict of a run; "
            f"fix: isthmus load gate --slo slo.yaml {directory}",
            err=True,
        )
        raise typer.Exit(USAGE) from error
    match kind:
        case "html":
            typer.echo(page(found), nl=False)
        case "junit":
            typer.echo(junit(found), nl=False)
        case "json":
            typer.echo(msgspec.json.format(msgspec.json.encode(found)))
        case "markdown":
            typer.echo(markdown(found), nl=False)


@load_app.command()
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Directory of the earlier run.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Directory of the later run.")],
    *,
    slo: Annotated[
        Path | None, typer.Option("--slo", metavar="FILE", help="Compare the phases it judges.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold run B against run A: what got better, worse, or cannot be told apart. Exit code 1 if anything got worse.

    Example: isthmus load compare last-week this-week --slo slo.yaml
    """
    objective = _slo("compare", slo) if slo else EVERYTHING
    try:
        runs = read_run(a, objective), read_run(b, objective)
    except RunError as error:
        typer.echo(f"isthmus load compare: {error}", err=True)
        raise typer.Exit(USAGE) from error
    found = hold_against(*runs, (judged(runs[0], objective), judged(runs[1], objective)))
    if as_json:
        typer.echo(msgspec.json.encode(found))
    else:
        _tell_differences(found)
    if found.worse:
        raise typer.Exit(NO_GO)


def _slo(command: str, path: Path) -> Slo:
    try:
        return load_slo(path.read_bytes(), str(path))
    except OSError as error:
        typer.echo(
            f"isthmus load {command}: {path}: {error.strerror}; expected an objective; fix: correct the path",
            err=True,
        )
        raise typer.Exit(USAGE) from error
    except PolicyError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(USAGE) from error


def _environment() -> dict[str, str]:
    return {
        "judged on": f"{os.cpu_count()} cores, {platform.machine()}, kernel {platform.release()}",
        "python": platform.python_version(),
    }


def _write(report: GateReport, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "gate.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    (directory / "gate.html").write_text(page(report))
    (directory / "gate.xml").write_text(junit(report))
    (directory / "gate.md").write_text(markdown(report))
    if report.capacity is not None:
        document = msgspec.json.format(msgspec.json.encode(report.capacity)) + b"\n"
        (directory / "capacity.json").write_bytes(document)


def _say(report: GateReport, directory: Path) -> None:
    console = Console(highlight=False)
    console.print(
        f"[bold {COLOUR[report.verdict]}]{report.verdict}[/]  {report.run}", soft_wrap=True
    )
    for reason in report.reasons:
        of = f" ({reason.scope})" if reason.scope else ""
        text = f"  {reason.id}{of}: measured {reason.measured:g}, limit {reason.limit:g}"
        console.print(text, soft_wrap=True, markup=False)
    console.print(f"report: {directory}/gate.html", soft_wrap=True, markup=False)


def _tell_differences(found: CompareReport) -> None:
    for it in found.differences:
        typer.echo(
            f"{it.change:7}  {it.traffic:9}  {it.metric:9}  {it.a:10.4g} → {it.b:10.4g}  "
            f"x{it.ratio:.3f} ({it.ratio_low:.3f} to {it.ratio_high:.3f})  p {it.p_value:.2g}"
        )
    typer.echo(f"{'worse' if found.worse else 'not worse'}: {found.b} against {found.a}")
