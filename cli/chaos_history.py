"""`isthmus chaos history`, `schedule` and `metrics`: what past runs say, what is due, and both for machines."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from chaos.cloud import Cloud
from chaos.history.metrics import exposition
from chaos.history.score import Rated, history, why
from chaos.history.store import History, HistoryError
from chaos.runs.experiment import ExperimentError, built_in, load
from chaos.runs.folder import results
from chaos.schedule.budget import read_burn
from chaos.schedule.gates import Burn, DueNow, due
from cli.chaos_run import HOME, VOCABULARY, CalendarFile, Home, Json, read_calendar
from contracts.chaos import ChaosHistory

ENVIRONMENT = 3
SHOWN = 20


def show_history(
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many runs to show.")] = SHOWN,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """Past chaos runs, newest first, and the score they add up to with the check that pulls it down.

    A pass counts 100 while it is fresh and less with age; a failure at most 50; never run 0.

    Example: isthmus chaos history --json
    """
    told = read_history(home)
    shown = msgspec.structs.replace(told, runs=told.runs[:limit])
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(shown)).decode())
        return
    console = Console(highlight=False)
    console.print(f"[bold]score {told.score:g}[/] of 100")
    scores = Table("experiment", "score", "weight", "last", "failed check")
    for it in told.experiments:
        scores.add_row(
            it.experiment, f"{it.score:g}", f"{it.weight:g}", it.last_verdict, it.failed_check
        )
    console.print(scores)
    runs = Table("run", "verdict", "rto s", "why")
    for run in shown.runs:
        rto_s = max((it.rto_s for it in run.recoveries), default=0.0)
        runs.add_row(run.run, run.verdict, f"{rto_s:.2f}", why(run) if run.reasons else "")
    console.print(runs)


def read_history(home: Path) -> ChaosHistory:
    """The history with its score, dead runners' runs included; exit 3 if its file cannot be used."""
    kept = History(home / "chaos.db")
    try:
        kept.keep(results(home / "runs"))
        runs = kept.runs()
    except HistoryError as error:
        typer.echo(f"isthmus chaos: {error}", err=True)
        raise typer.Exit(ENVIRONMENT) from error
    return history(_rated(), runs, now_s=time.time())


def _rated() -> tuple[Rated, ...]:
    found: list[Rated] = []
    for path in built_in():
        try:
            own = load(path, VOCABULARY).experiment.own
        except ExperimentError as error:
            typer.echo(f"isthmus chaos: {error}", err=True)
            raise typer.Exit(ENVIRONMENT) from error
        found.append(Rated(experiment=path.stem, weight=own.weight, fresh_for_h=own.fresh_for_h))
    return tuple(found)


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """`chaos schedule --json`."""

    schema: int = 1
    now: str
    lines: tuple[DueNow, ...]


def schedule(*, calendar: CalendarFile = None, home: Home = HOME, as_json: Json = False) -> None:
    """What the calendar has due now, and why it may not run.

    Exit: 0 nothing is due, 1 something is due and may run, 3 something is due and is refused.

    Example: isthmus chaos schedule --calendar chaos.yaml
    """
    rules = read_calendar(calendar)
    cloud = Cloud((home / "cloud" / "state.json").resolve())
    burn = read_burn(cloud) if rules.budget.objective else Burn()
    now = datetime.now(UTC)
    ran = {
        it.experiment: it.started_wall_s for it in reversed(read_history(home).runs) if it.faults
    }
    lines = due(rules, now, ran, burn=burn)
    if as_json:
        told = Schedule(now=now.isoformat(), lines=lines)
        typer.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        _show_schedule(lines)
    waiting = [it for it in lines if it.due]
    refused = any(it.refused for it in waiting)
    raise typer.Exit(ENVIRONMENT if refused else int(bool(waiting)))


def _show_schedule(lines: tuple[DueNow, ...]) -> None:
    if not lines:
        typer.echo("nothing is scheduled; fix: write schedule: in chaos.yaml")
        return
    table = Table("experiment", "cron", "since", "last run", "now")
    for it in lines:
        why_not = "; ".join(f"{reason.id}: {reason.text}" for reason in it.refused)
        now = f"refused ({why_not})" if why_not else "due" if it.due else "done"
        table.add_row(it.experiment, it.cron, it.since, it.last_run or "never", now)
    Console(highlight=False).print(table)


def metrics(
    *,
    textfile: Annotated[
        Path | None,
        typer.Option(help="Write here, whole, for the node exporter's textfile collector."),
    ] = None,
    home: Home = HOME,
) -> None:
    """The history as a Prometheus exposition.

    Example: isthmus chaos metrics --textfile /var/lib/node_exporter/isthmus_chaos.prom
    """
    in_force = sum(1 for _ in (home / "runs").glob("*/leases/*.json"))
    text = exposition(read_history(home), faults_in_force=in_force)
    if textfile is None:
        typer.echo(text, nl=False)
        return
    scratch = textfile.with_name(f"{textfile.name}.{os.getpid()}.tmp")
    scratch.write_text(text)
    scratch.replace(textfile)
