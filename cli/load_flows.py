"""`isthmus load flows`: shoppers by Locust in processes of their own; the work stands in `loadtest.flows`."""

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from contracts.flows import FlowReport, FlowSettings
from loadtest.flows.run import FlowsError
from loadtest.flows.run import finish as finish_flows
from loadtest.flows.run import start as start_flows
from loadtest.flows.shapes import stage_of

NO_GO, USAGE, ENVIRONMENT = 1, 2, 3
EXIT = {"GO": 0, "NO-GO": NO_GO, "INVALID": ENVIRONMENT}
COLOUR = {"GO": "green", "NO-GO": "red", "INVALID": "yellow"}


def flows(  # noqa: PLR0913 - a run has as many settings as it has
    host: Annotated[
        str, typer.Argument(metavar="URL", help="Where the shop is, http://HOST:PORT.")
    ],
    *,
    stage: Annotated[
        list[str],
        typer.Option(
            "--stage", metavar="SECONDS:USERS", help="Repeatable; straight from one to the next."
        ),
    ],
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
    pacing_s: Annotated[
        float, typer.Option(min=0.1, help="A shopper begins a journey so often.")
    ] = 5.0,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help=".isthmus/load/flows-TIME.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The contract's keys as JSON.")] = False,
) -> None:
    """Send shoppers through the shop: browse, click, order, pay, profile (Locust, headless).

    Exit code 0 GO, 1 NO-GO, 3 INVALID: a worker lost, too busy, or journeys that could not begin.

    Example: isthmus load flows http://127.0.2.2:8080 --stage 30:50 --stage 60:50 --workers 2
    """
    try:
        stages = tuple(stage_of(text) for text in stage)
    except ValueError as error:
        typer.echo(f"isthmus load flows: --stage {error}; fix: --stage 60:20", err=True)
        raise typer.Exit(USAGE) from error
    if not host.startswith(("http://", "https://")):
        typer.echo(
            f'isthmus load flows: "{host}" is no URL; expected http://HOST:PORT; fix: put http:// before it',
            err=True,
        )
        raise typer.Exit(USAGE)
    directory = out or Path(".isthmus/load") / f"flows-{time.strftime('%m%d-%H%M%S')}"
    settings = FlowSettings(
        run=f"f{seed}",
        seed=seed,
        out=str(directory),
        stages=stages,
        pacing_s=pacing_s,
        workers=workers,
    )
    try:
        found = finish_flows(settings, start_flows(settings, host))
    except FlowsError as error:
        typer.echo(f"isthmus load flows: {error}", err=True)
        raise typer.Exit(ENVIRONMENT) from error
    if as_json:
        typer.echo(msgspec.json.encode(found))
    else:
        _tell_flows(found, directory)
    raise typer.Exit(EXIT[found.verdict])


def _tell_flows(found: FlowReport, directory: Path) -> None:
    console = Console(highlight=False)
    console.print(
        f"[bold {COLOUR[found.verdict]}]{found.verdict}[/]  {found.journeys:,} journeys, {found.missed:,} missed"
    )
    for reason in found.reasons:
        console.print(
            f"  {reason.id}: measured {reason.measured:g}, limit {reason.limit:g}", markup=False
        )
    for name, step in found.steps.items():
        typer.echo(
            f"  {name:8} {step.requests:8,} sent  {step.failed:6,} failed  p50 {step.p50_ms:.0f} ms  p99 {step.p99_ms:.0f} ms"
        )
    typer.echo(f"run: {directory}")
