"""`isthmus chaos`: experiments, faults in force and how to undo them; the work stands in `chaos`."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from chaos.clock import SystemClock
from chaos.heal import heal_all
from chaos.leases import LeaseError, Leases
from chaos.runs.elsewhere import ELSEWHERE, Elsewhere
from chaos.runs.experiment import built_in
from cli import chaos_history, chaos_inject, chaos_run
from cli.chaos_run import read_experiment
from contracts.fault import Lease

USAGE, NOT_HEALED = 2, 5

chaos_app = typer.Typer(
    help="Experiments and faults: run, list, heal; history and schedule.", no_args_is_help=True
)
chaos_app.command("run")(chaos_run.run)
chaos_app.command("check")(chaos_run.check)
chaos_app.command("inject")(chaos_inject.inject)
chaos_app.command("history")(chaos_history.show_history)
chaos_app.command("schedule")(chaos_history.schedule)
chaos_app.command("metrics")(chaos_history.metrics)
Runs = Annotated[
    Path, typer.Option("--runs", help="Directory of runs; each keeps its leases in RUN/leases.")
]
Json = Annotated[bool, typer.Option("--json", help="The contract's keys as JSON.")]
RUNS = Path(".isthmus/runs")


class ListedExperiment(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment that can be run by its name."""

    name: str
    title: str
    tiers: tuple[str, ...]
    rto_s: float
    file: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """`chaos list --json`."""

    schema: int = 1
    faults: tuple[Lease, ...]
    experiments: tuple[ListedExperiment, ...]
    elsewhere: tuple[Elsewhere, ...]


@chaos_app.command("list")
def list_all(*, runs: Runs = RUNS, as_json: Json = False) -> None:
    """Show the experiments that can be run, and every fault in force: its lease, what it hit, whose it is.

    Exit code 5 if a lease does not read.

    Example: isthmus chaos list --json
    """
    _must_be_runs("list", runs)
    leases = tuple(lease for directory in _directories(runs) for lease in _read(directory))
    known = tuple(_listed(path) for path in built_in())
    if as_json:
        told = Listed(faults=leases, experiments=known, elsewhere=ELSEWHERE)
        typer.echo(msgspec.json.encode(told))
        return
    console = Console(highlight=False)
    table = Table("experiment", "what happens", "rto s")
    for it in known:
        table.add_row(it.name, it.title, f"{it.rto_s:g}")
    console.print(table)
    for it in ELSEWHERE:
        console.print(f"not here: [bold]{it.name}[/], {it.why_not}", style="dim")
    _show_leases(console, leases)


def _listed(path: Path) -> ListedExperiment:
    loaded = read_experiment(str(path))
    own = loaded.experiment.own
    return ListedExperiment(
        name=loaded.name, title=loaded.experiment.title, tiers=own.tiers, rto_s=own.rto_s,
        file=loaded.file,
    )  # fmt: skip


def _show_leases(console: Console, leases: tuple[Lease, ...]) -> None:
    if not leases:
        console.print("no fault is in force")
        return
    table = Table("in force", "kind", "targets", "cloud", "runner")
    for lease in leases:
        table.add_row(
            lease.id, lease.kind, " ".join(lease.targets), lease.cloud, str(lease.runner_pid)
        )
    console.print(table)


@chaos_app.command()
def heal(
    *,
    every: Annotated[bool, typer.Option("--all", help="Every fault of every run.")] = False,
    runs: Runs = RUNS,
    as_json: Json = False,
) -> None:
    """Undo every fault in force, whoever injected it; healing what is whole does no harm.

    Exit code 5 if a fault is not healed.

    Example: isthmus chaos heal --all
    """
    if not every:
        typer.echo(
            "isthmus chaos heal: nothing named; expected --all (every fault in force); "
            "fix: isthmus chaos heal --all",
            err=True,
        )
        raise typer.Exit(USAGE)
    _must_be_runs("heal", runs)
    healed: list[str] = []
    failed: dict[str, str] = {}
    for directory in _directories(runs):
        try:
            done = heal_all(directory, SystemClock())
        except LeaseError as error:
            failed[str(directory)] = f"{error}; fix: heal by hand, then remove the file"
            continue
        healed += done.healed
        failed |= done.failed
    if as_json:
        typer.echo(msgspec.json.encode({"healed": healed, "failed": failed}))
    else:
        typer.echo(f"healed {len(healed)}: {', '.join(healed) or 'none was in force'}")
    for reason in failed.values():
        typer.echo(f"not healed: {reason}", err=True)
    if failed:
        raise typer.Exit(NOT_HEALED)


def _must_be_runs(command: str, runs: Path) -> None:
    """A place that is none would look like one without a fault; where nothing ever ran there is none yet."""
    if not (runs.is_dir() or (runs == RUNS and not runs.exists() and not RUNS.parent.is_file())):
        typer.echo(
            f"isthmus chaos {command}: --runs {runs}: no such directory; expected one that holds runs; "
            f"fix: leave the option out for {RUNS}",
            err=True,
        )
        raise typer.Exit(USAGE)


def _directories(runs: Path) -> list[Path]:
    return sorted(path for path in runs.glob("*/leases") if path.is_dir())


def _read(directory: Path) -> tuple[Lease, ...]:
    try:
        return Leases(directory).open_leases()
    except LeaseError as error:
        typer.echo(f"isthmus chaos list: {error}; fix: heal by hand, then remove it", err=True)
        raise typer.Exit(NOT_HEALED) from error
