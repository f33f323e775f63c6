"""`isthmus autoscale forecast`: what coming events will demand, and how good such forecasts were so far."""

import datetime as dt
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from autoscale.forecast.accuracy import Accuracy, accuracy
from autoscale.forecast.fetch import from_prometheus, from_warehouse
from autoscale.forecast.forecaster import Forecaster
from autoscale.forecast.occasion import Event, clock_of
from autoscale.forecast.readings import ReadingError
from autoscale.forecast.walk import walk
from autoscale.simulate.trace import Minutes, TraceError, read_calendar, read_demand

USAGE, ENVIRONMENT = 2, 3
History = tuple[dt.datetime, Minutes]


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """One coming event: its likely peak and the one to plan for, in requests a minute."""

    name: str
    start: dt.datetime
    likely: float
    planned: float
    method: str
    events: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Coming events in order of start, and the accuracy over those that are over (None: none is)."""

    until: dt.datetime
    quantile: float
    coming: tuple[Expected, ...]
    accuracy: Accuracy | None


def forecast_command(  # noqa: PLR0913 - an option each
    *,
    calendar: Annotated[
        Path, typer.Option(help="CSV with start and optionally end, type, expected_peak.")
    ],
    trace: Annotated[Path | None, typer.Option(help="CSV of TIME,COUNT per minute.")] = None,
    prometheus: Annotated[str, typer.Option(help="Base URL of a Prometheus.")] = "",
    query: Annotated[str, typer.Option(help="PromQL that gives requests per second.")] = "",
    warehouse: Annotated[
        str, typer.Option(help="env:NAME of the variable that holds the warehouse's DSN.")
    ] = "",
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.99, help="The quantile of demand to plan for.")
    ] = 0.9,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Forecast coming events from the history, and show how good its forecasts of past ones were.

    Example: isthmus autoscale forecast --trace trace.csv --calendar events.csv
    """
    try:
        start, demand = _history(trace, prometheus, query=query, warehouse=warehouse)
        events = read_calendar(calendar.read_text(), str(calendar), start=start)
    except (TraceError, OSError, UnicodeDecodeError) as wrong:
        _refuse(str(wrong), USAGE)
    except ReadingError as wrong:
        _refuse(str(wrong), ENVIRONMENT)
    report = _report(start, demand, events, confidence)
    if as_json:
        typer.echo(msgspec.json.encode(report))
    else:
        _show(report)


def _report(start: dt.datetime, demand: Minutes, events: Sequence[Event], q: float) -> Report:
    forecaster = Forecaster(events, clock_of(start), q=q)
    coming = walk(forecaster, events, demand)
    return Report(
        until=start + dt.timedelta(minutes=len(demand)),
        quantile=q,
        coming=tuple(
            Expected(
                name=one.event.name, start=start + dt.timedelta(minutes=one.event.start_min),
                likely=round(float(one.outlook.middle.max())),
                planned=round(float(one.outlook.demand.max())),
                method=one.outlook.bound.method, events=one.outlook.bound.n,
            )
            for one in coming
        ),
        accuracy=accuracy(forecaster.kept),
    )  # fmt: skip


def _history(trace: Path | None, prometheus: str, *, query: str, warehouse: str) -> History:
    if sum(map(bool, (trace, prometheus, warehouse))) != 1:
        _refuse("give one of --trace, --prometheus with --query, --warehouse", USAGE)
    if trace is not None:
        return read_demand(trace.read_text(), str(trace))
    if prometheus:
        if not query:
            _refuse("--prometheus needs --query, PromQL that gives requests per second", USAGE)
        return from_prometheus(prometheus, query, until_s=int(time.time()))
    dsn = os.environ.get(warehouse.removeprefix("env:"))
    if not warehouse.startswith("env:") or not dsn:
        _refuse(f"--warehouse {warehouse}: expected env:NAME of a variable that is set", USAGE)
    return from_warehouse(dsn, until_s=int(time.time()))


def _show(report: Report) -> None:
    console = Console()
    shown = Table("event", "start", "likely peak/min", f"{report.quantile:.0%} peak/min", "bound")
    for one in report.coming:
        shown.add_row(
            one.name, f"{one.start:%Y-%m-%d %H:%M}", f"{one.likely:,.0f}", f"{one.planned:,.0f}",
            f"{one.method}, {one.events} events",
        )  # fmt: skip
    console.print(
        shown
        if report.coming
        else f"no event of the calendar is after {report.until:%Y-%m-%d %H:%M}"
    )
    of = report.accuracy
    if of is None:
        console.print("no event is over yet: the forecast is the prior's")
        return
    console.print(
        f"{of.events} events judged at their start: {of.coverage:.0%} within the {of.q:.0%} peak, the likely peak off "
        f"by {of.middle_error:.0%} on average, planned over actual {of.planned_over:.2f} (median)"
    )
    if of.later_coverage is not None:
        console.print(
            f"the {of.later_events} of them with a conformal bound: {of.later_coverage:.0%} within"
        )


def _refuse(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
