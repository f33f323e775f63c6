"""`isthmus controls`: every protecting mechanism switched off once; each run must turn red for its own reason."""

import random
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console

from cli.demo_options import CONTROL_REASON, DemoOptions, Without, problem
from cli.demo_run import DemoError, run_demo
from cli.demo_table import print_report
from contracts.report import Report
from local.cloud import CloudError, CloudUsageError, hold
from local.plan import CloudOptions

NEGATIVE = 1
USAGE = 2
ENVIRONMENT = 3


def controls(
    *,
    duration: Annotated[float, typer.Option(help="Seconds of traffic for each control.")] = 60.0,
    rate: Annotated[float, typer.Option(help="Requests a second.")] = 600.0,
    seed: Annotated[int | None, typer.Option(help="Repeat a series; drawn if absent.")] = None,
) -> None:
    """Switch each mechanism off on one running cloud: every run must end NO-GO with its own reason.

    Exit: 0 all controls turned red as they must, 1 one did not, 2 usage, 3 environment, 5 a fault is not healed.

    Example: isthmus controls --duration 15
    """
    wrong = problem(rate=rate, duration_s=duration)
    if wrong:
        typer.echo(f"isthmus controls: {wrong}", err=True)
        raise typer.Exit(USAGE)
    console = Console(highlight=False)
    chance = random.Random(seed)
    root = Path.cwd()
    silent: list[Without] = []
    try:
        with hold(root, CloudOptions(), lambda text: console.print(f"  {text}")):
            for without in get_args(Without):
                options = DemoOptions(
                    root=root,
                    seed=chance.randrange(10**6),
                    rate=rate,
                    duration_s=duration,
                    without=without,
                )
                outcome = run_demo(options, console)
                print_report(console, outcome.report, outcome.page)
                if not turned_red(outcome.report, without):
                    silent.append(without)
    except DemoError as error:
        typer.echo(f"isthmus controls: {error}", err=True)
        raise typer.Exit(error.exit_code) from error
    except CloudError as error:
        typer.echo(f"isthmus controls: {error}", err=True)
        raise typer.Exit(USAGE if isinstance(error, CloudUsageError) else ENVIRONMENT) from error
    for without in silent:
        console.print(
            f"[red]control {without}[/]: expected NO-GO with {CONTROL_REASON[without]}; "
            "the demo would not notice if this mechanism were missing"
        )
    if silent:
        raise typer.Exit(NEGATIVE)
    console.print(f"CONTROLS  all {len(get_args(Without))} turned red for their own reason")


def turned_red(report: Report, without: Without) -> bool:
    """Whether a run without the mechanism ended NO-GO and named the mechanism's own reason."""
    return report.verdict == "NO-GO" and CONTROL_REASON[without] in {r.id for r in report.reasons}
