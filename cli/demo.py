"""`isthmus demo`: bring the two sites up, drive traffic, break things, say GO or NO-GO."""

import secrets
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from cli.demo_carry import Outcome
from cli.demo_options import DemoOptions, Without, problem
from cli.demo_run import DemoError, run_demo
from cli.demo_table import print_report

EXIT = {"GO": 0, "NO-GO": 1, "INVALID": 3}
USAGE = 2
SEED_MAX = 2**63 - 1
"""What plan and report can carry as a JSON integer."""


def demo(  # noqa: PLR0913 -- a command line has as many options as it has
    *,
    seed: Annotated[
        int | None, typer.Option(min=0, max=SEED_MAX, help="Repeat a run; drawn if absent.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Requests a second over both doors.")] = 600.0,
    duration: Annotated[float, typer.Option(help="Seconds of traffic, at least 15.")] = 60.0,
    without: Annotated[
        Without | None, typer.Option(help="Switch one mechanism off: must end NO-GO.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the cloud running.")] = False,
    on: Annotated[
        str, typer.Option(metavar="ENV", help="`local`, or an environment of clusters that is up.")
    ] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json only.")] = False,
) -> None:
    """Two sites on this machine, real traffic, real faults, one verdict.

    Uses the cloud of `isthmus up local` if one runs, else brings one up and takes it down again; with --on dev
    the clusters of `isthmus up dev`, whose ad nodes die and whose site link is cut (root).
    Reports and rows stand in .isthmus/runs; the newest 20 runs are kept, older ones removed when a run begins.

    Exit: 0 GO, 1 NO-GO, 2 usage, 3 environment or INVALID, 4 interrupted, 5 a fault is not healed.

    Example: isthmus demo --seed 4711 --duration 30
    """
    wrong = problem(rate=rate, duration_s=duration) or _misfit(on, without, keep=keep)
    if wrong:
        typer.echo(f"isthmus demo: {wrong}", err=True)
        raise typer.Exit(USAGE)
    options = DemoOptions(
        root=Path.cwd(),
        seed=secrets.randbelow(10**6) if seed is None else seed,
        rate=rate,
        duration_s=duration,
        without=without,
        keep=keep,
    )
    console = Console(stderr=as_json, highlight=False)
    try:
        outcome = (
            run_demo(options, console) if on == "local" else _on_clusters(on, options, console)
        )
    except DemoError as error:
        typer.echo(f"isthmus demo: {error}", err=True)
        raise typer.Exit(error.exit_code) from error
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(outcome.report)) + b"\n")
    else:
        print_report(console, outcome.report, outcome.page)
    raise typer.Exit(EXIT[outcome.report.verdict])


def _misfit(on: str, without: Without | None, *, keep: bool) -> str | None:
    """What of the command line only the embedded cloud can do, or None."""
    if on == "local" or not (without or keep):
        return None
    option = "--without" if without else "--keep"
    return (
        f"{option}: has no meaning with --on {on}, whose clusters are never changed; expected it with local. "
        f"fix: leave {option} out"
    )


def _on_clusters(on: str, options: DemoOptions, console: Console) -> Outcome:
    from cli.demo_clusters_run import run_on_clusters  # noqa: PLC0415 - a second of imports

    return run_on_clusters(options, on, console)
