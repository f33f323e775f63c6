"""`isthmus autoscale simulate`: what a policy would have done to a trace; the work stands in `autoscale.simulate`."""

from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from autoscale.simulate.catalogue import COLUMNS, POLICIES, Result, simulate, table
from autoscale.simulate.engine import Run
from autoscale.simulate.ground import Ground, Lag, noisy
from autoscale.simulate.report_html import Shown, page
from autoscale.simulate.synthetic import shop, with_steps
from autoscale.simulate.trace import Trace, TraceError, read_calendar, read_demand, scored

USAGE = 2
SHOWN = 6
"""Columns that fit a terminal; the report and the JSON hold all."""
NAMES = " ".join(POLICIES)


TraceOption = Annotated[
    Path | None,
    typer.Option(
        help="CSV of TIME,COUNT per minute (or coarser); without it a seeded synthetic shop with its own calendar."
    ),
]
CalendarOption = Annotated[
    Path | None, typer.Option(help="CSV with start and optionally end, type, expected_peak.")
]
PolicyOption = Annotated[list[str], typer.Option(help=f"Repeatable; one of: {NAMES}, or all.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Replays the run.")]
StepsOption = Annotated[
    bool, typer.Option("--steps", help="Lay a step of about x3 over every event's start.")
]
NoiseOption = Annotated[
    bool, typer.Option("--noise", help="Start times spread, nodes fail, images are pulled.")
]
DaysOption = Annotated[int | None, typer.Option(min=1, help="Score only so many days.")]
PerReplica = Annotated[float, typer.Option(min=1.0, help="Requests a minute a replica carries.")]
PodStart = Annotated[float, typer.Option("--pod-start", min=1.0, help="Seconds until it is ready.")]
NodeStart = Annotated[
    float, typer.Option("--node-start", min=1.0, help="Seconds until it is ready.")
]
HtmlOption = Annotated[Path | None, typer.Option(help="Write a self-contained report here.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


def simulate_command(  # noqa: PLR0913 - an option each
    *,
    trace: TraceOption = None,
    calendar: CalendarOption = None,
    policy: PolicyOption = ["isthmus", "hpa"],  # noqa: B006 - typer reads it, nobody writes it
    seed: SeedOption = 0,
    steps: StepsOption = False,
    noise: NoiseOption = False,
    days: DaysOption = None,
    per_replica: PerReplica = 2000.0,
    pods_per_node: Annotated[int, typer.Option(min=1)] = 4,
    pod_start_s: PodStart = 60.0,
    node_start_s: NodeStart = 240.0,
    nodes_max: Annotated[int, typer.Option(min=1)] = 100_000,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run policies over a trace in virtual time and compare bad minutes, unserved requests and node-hours.

    Example: isthmus autoscale simulate --trace trace.csv --calendar events.csv --policy all --html report.html
    """
    chosen = _chosen(policy)
    what = _trace(trace, calendar, seed=seed, days=days)
    what = with_steps(what, seed) if steps else what
    ground = _ground(
        per_replica, pods_per_node, starts=(pod_start_s, node_start_s), nodes_max=nodes_max
    )
    ground = noisy(ground) if noise else ground
    done = _run(chosen, what, ground=ground, seed=seed)
    if html is not None:
        _write(html, page(Shown(trace=what, ground=ground, results=tuple(done))))
    _show([result for result, _ in done], as_json=as_json)


def _run(chosen: list[str], what: Trace, *, ground: Ground, seed: int) -> list[tuple[Result, Run]]:
    done: list[tuple[Result, Run]] = []
    with Console(stderr=True).status("simulating") as status:
        for name in chosen:
            status.update(f"{name} on {what.name}")
            done.append(simulate(name, what, ground=ground, seed=seed))
    return done


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as wrong:
        _refuse(f"--html {path}: {wrong.strerror}; give a file that can be written")


def _show(results: list[Result], *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(results))
        return
    shown = Table()
    for column in COLUMNS[:SHOWN]:
        shown.add_column(column, no_wrap=True)
    for row in table(results):
        shown.add_row(*row[:SHOWN])
    Console().print(shown)


def _chosen(asked: list[str]) -> list[str]:
    chosen = list(POLICIES) if "all" in asked else list(dict.fromkeys(asked))
    unknown = [name for name in chosen if name not in POLICIES]
    if unknown:
        _refuse(f"--policy {unknown[0]}: no such policy; choose from {NAMES}, or all")
    return chosen


def _trace(trace: Path | None, calendar: Path | None, *, seed: int, days: int | None) -> Trace:
    if trace is None:
        if calendar is not None:
            _refuse("--calendar needs --trace; the synthetic shop has its own calendar")
        return shop(seed) if days is None else shop(seed, days=days)
    try:
        start, demand = read_demand(_read(trace), str(trace))
        events = (
            () if calendar is None else read_calendar(_read(calendar), str(calendar), start=start)
        )
        return scored(trace.stem, start=start, demand=demand, events=events, days=days)
    except TraceError as wrong:
        _refuse(str(wrong))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as wrong:
        why = wrong.strerror if isinstance(wrong, OSError) else "not UTF-8"
        raise TraceError(
            f"{path}: cannot be read ({why}); expected a CSV file; fix: name an existing one"
        ) from None


def _ground(
    per_replica: float, pods_per_node: int, *, starts: tuple[float, float], nodes_max: int
) -> Ground:
    plain = Ground()
    return msgspec.structs.replace(
        plain,
        workload=msgspec.structs.replace(plain.workload, per_replica=per_replica),
        pods=msgspec.structs.replace(plain.pods, start=Lag(median_s=starts[0])),
        nodes=msgspec.structs.replace(
            plain.nodes, provision=Lag(median_s=starts[1]), pods_per_node=pods_per_node,
            nodes_max=nodes_max,
        ),
    )  # fmt: skip


def _refuse(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(USAGE)
