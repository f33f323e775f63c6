"""A plan of promotions for people: what each one does, hour by hour, and what stands in the way."""

import textwrap
from datetime import datetime, timedelta, tzinfo

import msgspec
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autoscale.plan.durations import spoken
from autoscale.wall_clock import WallClockError, zone_of
from contracts.promotion import PlanHour, PlannedPromotion, PlanReport

COLUMNS_MAX = 3
NAME_WIDTH = 14
GRAVE = frozenset({"Infeasible", "OverBudget", "Invalid", "Conflict", "CapacityUnknown", "Past"})


def show(report: PlanReport, price: float | None, console: Console | None = None) -> None:
    """Print it all."""
    out = console or Console(highlight=False)
    zone = _zone(report)
    for one in report.promotions:
        _promotion(out, one)
    if report.hours:
        out.print(_table(report, zone, price))
    total = sum(one.node_hours for one in report.promotions)
    most = sum(one.node_hours_max for one in report.promotions)
    out.print(
        f"Together {_cost(total, price)} if traffic goes at the end, {_cost(most, price)} if it stays "
        "until every hold ends."
    )
    if report.ok:
        out.print("[green]It fits.[/green] Nothing was applied.")
    else:
        out.print("[red]Something stands in the way[/red] (above). Nothing was applied.")


def _zone(report: PlanReport) -> tzinfo | None:
    try:
        return zone_of(report.promotions[0].time_zone)
    except (WallClockError, IndexError):
        return None


def _cost(node_hours: float, price: float | None) -> str:
    hours = f"{node_hours:,.1f} node-hours"
    return hours if price is None else f"{hours} = {node_hours * price:,.2f}"


def _promotion(out: Console, one: PlannedPromotion) -> None:
    try:
        zone: tzinfo | None = zone_of(one.time_zone)
    except WallClockError:
        zone = one.start.tzinfo
    out.print(
        Text.assemble(
            (one.name.partition("/")[2], "bold"), f"  {one.mode}  ", f"{_at(one.start, zone)} to {_at(one.end, zone)}",
            f" {one.time_zone}",
        )
    )  # fmt: skip
    ready = _at(one.ready_at, zone) if one.ready_at else "[red]not before the start[/red]"
    gone = f"{_at(one.released_at, zone)}, " if one.released_at else ""
    for line in (
        f"begins    {_at(one.raise_at, zone)} ({spoken(one.lead_seconds)} ahead)",
        f"ready     {ready}",
        f"released  {gone}at the latest from {_at(one.hold_until, zone)} on",
    ):
        out.print(Padding(line, (0, 0, 0, 2), expand=False))
    adds = [f"{count} nodes of {pool}" for pool, count in one.nodes.items()]
    adds += [f"{count} replicas of {key.rpartition('/')[2]}" for key, count in one.replicas.items()]
    out.print(Padding(f"adds      {', '.join(adds) or 'nothing'}", (0, 0, 0, 2), expand=False))
    for condition in one.conditions:
        style = "red" if condition.type in GRAVE else "yellow"
        said = Text.assemble((condition.type, style), f" {condition.subject}: {condition.message}")
        out.print(Padding(said, (0, 0, 0, 2), expand=False))


def _at(moment: datetime, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _table(report: PlanReport, zone: tzinfo | None, price: float | None) -> Table:
    pools = sorted({pool for hour in report.hours for pool in hour.nodes})
    columns = _floors(report)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("When", no_wrap=True, min_width=11)
    for title in (*(f"{_folded(pool)}\nnodes" for pool in pools), *columns, "node\nhours"):
        table.add_column(title, justify="right", min_width=5, overflow="fold")
    table.add_column("cost" if price is not None else "sum", justify="right", no_wrap=True)
    table.add_column("What happens", min_width=12, overflow="fold")
    total = 0.0
    for first, hours, node_hours in _runs(report.hours):
        total += node_hours
        table.add_row(
            _span(first.begins, hours, zone),
            *(str(first.nodes.get(pool, "")) for pool in pools),
            *(str(sum(first.replicas.get(key, 0) for key in keys)) for keys in columns.values()),
            f"{node_hours:,.1f}",
            f"{total * price:,.2f}" if price is not None else f"{total:,.1f}",
            _events(first.events, alone=len(report.promotions) == 1),
        )
    return table


def _floors(report: PlanReport) -> dict[str, list[str]]:
    """A column a workload, or one for all where they would not fit beside one another."""
    keys = sorted({key for hour in report.hours for key in hour.replicas})
    if len(keys) > COLUMNS_MAX:
        return {f"floor of\n{len(keys)} workloads": keys}
    return {f"{_folded(key.rpartition('/')[2])}\nfloor": [key] for key in keys}


def _folded(name: str) -> str:
    """A long name over several lines, at its hyphens where it has them."""
    return "\n".join(textwrap.wrap(name, NAME_WIDTH))


def _events(events: tuple[str, ...], *, alone: bool) -> str:
    said = [event.partition(": ")[2] for event in events] if alone else list(events)
    return ", ".join(said)


def _runs(hours: tuple[PlanHour, ...]) -> list[tuple[PlanHour, int, float]]:
    """Hours that follow one another and say the same are one line: its first hour, how many, their sum."""
    runs: list[tuple[PlanHour, int, float]] = []
    for hour in hours:
        if runs:
            first, count, total = runs[-1]
            follows = hour.begins == first.begins + timedelta(hours=count)
            same = msgspec.structs.replace(hour, begins=first.begins) == msgspec.structs.replace(
                first
            )
            if follows and same and not hour.events:
                runs[-1] = (first, count + 1, total + hour.node_hours)
                continue
        runs.append((hour, 1, hour.node_hours))
    return runs


def _span(begins: datetime, hours: int, zone: tzinfo | None) -> str:
    first = begins.astimezone(zone)
    last = (begins + timedelta(hours=hours)).astimezone(zone)
    if hours == 1:
        return f"{first:%m-%d %H:%M}"
    until = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%m-%d %H:%M}"
    return f"{first:%m-%d %H:%M} – {until}"
