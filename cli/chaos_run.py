"""`isthmus chaos run`: one experiment on the cloud that is up, its verdict on one screen."""

import contextlib
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from chaos.cloud import Cloud, CloudError
from chaos.history.store import History, HistoryError
from chaos.runs.actions import ACTIONS
from chaos.runs.experiment import ExperimentError, Loaded, find, load
from chaos.runs.folder import draw_seed, heal_the_dead, refuse, results
from chaos.runs.looks import LOOKS
from chaos.runs.verdict import exit_code
from chaos.schedule.budget import read_burn
from chaos.schedule.calendar import ALWAYS, Calendar, CalendarError, load_calendar
from chaos.schedule.gates import Burn, refusals
from contracts.chaos import ChaosReason, ChaosResult
from runtime.locks import LockHeldError, file_lock

USAGE, ENVIRONMENT = 2, 3
HOME = Path(".isthmus")
CALENDAR = Path("chaos.yaml")
VOCABULARY = {**ACTIONS, **LOOKS}

Say = Callable[[str], None]
Home = Annotated[
    Path, typer.Option("--home", help="Where the cloud, its runs and the history are.")
]
CalendarFile = Annotated[
    Path | None,
    typer.Option(
        "--calendar", help="Windows, freezes, budget, schedule. Default: chaos.yaml, if there."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="The contract's keys as JSON.")]


def run(
    experiment: Annotated[
        str, typer.Argument(metavar="NAME", help="One of isthmus chaos list, or a .yaml file.")
    ],
    *,
    seed: Annotated[int | None, typer.Option(help="Repeat the draws of an earlier run.")] = None,
    calendar: CalendarFile = None,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """Play a chaos experiment and judge it: every fault is leased, healed, and the steady state looked at again.

    Exit: 0 passed, 1 deviated, 2 a file that cannot be used, 3 invalid or refused, 4 interrupted or aborted,
    5 a fault is not healed.

    Example: isthmus chaos run kill-30-percent
    """
    loaded = read_experiment(experiment)
    rules = read_calendar(calendar)
    say = Console(stderr=True, highlight=False, soft_wrap=True).print
    history = History(home / "chaos.db")
    try:
        try:
            with _in_turn(home):
                drawn = draw_seed() if seed is None else seed
                result = _run(loaded, rules, home, seed=drawn, say=say)
        except LockHeldError as error:
            result = refuse(loaded, (ChaosReason(id="refused_lock", text=str(error)),))
        if home.is_dir():
            history.keep([*results(home / "runs"), result])
    except HistoryError as error:
        typer.echo(f"isthmus chaos run: {error}", err=True)
        raise typer.Exit(ENVIRONMENT) from error
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(result)).decode())
    else:
        show(result)
    raise typer.Exit(exit_code(result.verdict, result.reasons))


def check(
    experiments: Annotated[
        list[str],
        typer.Argument(metavar="NAME…", help="Names of isthmus chaos list, or .yaml files."),
    ],
) -> None:
    """Read and check experiments and inject nothing; every fault of every file with line and fix.

    Exit: 0 all usable, 2 one is not.

    Example: isthmus chaos check my-experiment.yaml
    """
    for named in experiments:
        loaded = read_experiment(named)
        own = loaded.experiment.own
        typer.echo(f"{loaded.name}: usable on {', '.join(own.tiers)}, {loaded.file}")


@contextlib.contextmanager
def _in_turn(home: Path) -> Generator[None]:
    """The lock of every command that has the cloud for itself. Raises `LockHeldError`."""
    if not home.is_dir():
        yield  # no cloud either, which is said in its turn
        return
    with file_lock(home / "run.lock", wait_s=0):
        yield


def _run(loaded: Loaded, rules: Calendar, home: Path, *, seed: int, say: Say) -> ChaosResult:
    cloud = Cloud((home / "cloud" / "state.json").resolve())
    runs = (home / "runs").resolve()
    try:
        state = cloud.state()
    except CloudError as error:
        text = f"{error}; fix: isthmus up local"
        return refuse(loaded, (ChaosReason(id="refused_place", text=text),))
    if not state.keep:
        text = "the cloud belongs to another command; fix: wait for it, then isthmus up local"
        return refuse(loaded, (ChaosReason(id="refused_place", text=text),))
    if "tier0" not in loaded.experiment.own.tiers:
        text = f"for {', '.join(loaded.experiment.own.tiers)}, this cloud is tier0"
        return refuse(loaded, (ChaosReason(id="refused_place", text=text),))
    if failed := heal_the_dead(runs):
        text = "; ".join(failed.values())
        return refuse(loaded, (ChaosReason(id="refused_faults", text=text),))
    burn = read_burn(cloud) if rules.budget.objective else Burn()
    if closed := refusals(rules, datetime.now(UTC), burn):
        return refuse(loaded, closed)
    # Chaos Toolkit takes a quarter of a second to import; no other command waits for it
    from chaos.runs.conduct import Place, conduct  # noqa: PLC0415 -- as said above

    return conduct(loaded, Place(cloud=cloud.path, runs=runs), seed=seed, say=say)


def read_experiment(named: str) -> Loaded:
    """The experiment, or exit 2 with every fault of its file."""
    try:
        return load(find(named), VOCABULARY)
    except ExperimentError as error:
        typer.echo(f"isthmus chaos: nothing was injected\n{error}", err=True)
        raise typer.Exit(USAGE) from error


def read_calendar(path: Path | None) -> Calendar:
    """The calendar, or exit 2 with every fault of its file; without one chaos may run at any time."""
    if path is None and not CALENDAR.exists():
        return ALWAYS
    try:
        return load_calendar(path or CALENDAR)
    except CalendarError as error:
        typer.echo(f"isthmus chaos: nothing was injected\n{error}", err=True)
        raise typer.Exit(USAGE) from error


def show(result: ChaosResult) -> None:
    """The verdict, what it stands on, and where the journal is."""
    console = Console(highlight=False, soft_wrap=True)
    colour = "green" if result.verdict == "passed" else "red"
    console.print(f"[bold {colour}]{result.verdict}[/]  {result.title}")
    for reason in result.reasons:
        figures = f" ({reason.measured:.2f}, limit {reason.limit:g})" if reason.limit else ""
        console.print(f"  {reason.id}: {reason.text}{figures}", markup=False)
    rto_s = {it.fault: it.rto_s for it in result.recoveries}
    for fault in result.faults:
        console.print(f"  {fault.id}: {fault.proof}", markup=False)
        console.print(
            f"    recovered in {rto_s.get(fault.id, 0.0):.2f} s, limit {result.rto_limit_s:g}",
            style="dim",
        )
    if result.journal:
        console.print(
            f"  {result.looks} looks, {result.probe_gap_s:.2f} s apart at most; seed {result.seed}\n"
            f"  {Path(result.journal).parent}",
            style="dim",
        )  # fmt: skip
