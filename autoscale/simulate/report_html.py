"""The report of a simulation as one HTML file that needs nothing else: figures, the whole time, the worst events."""

from collections.abc import Sequence
from html import escape

import msgspec
import numpy as np

from autoscale.forecast.occasion import Event
from autoscale.simulate.catalogue import COLUMNS, POLICIES, Result, table
from autoscale.simulate.chart import Line, Span, chart
from autoscale.simulate.engine import Run
from autoscale.simulate.ground import Ground
from autoscale.simulate.trace import Minutes, Trace

EVENTS_SHOWN = 4
AROUND_MIN = 90
STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1b1f24, #e6e6e6); --paper: light-dark(#fff, #16181b);
  --faint: light-dark(#d9dde2, #3a3f46); --event: light-dark(#fff2cc, #3d3414);
  --l0: light-dark(#1b1f24, #f0f0f0); --l1: light-dark(#0b6bcb, #5eb1ff); --l2: light-dark(#c2410c, #ff9d6c);
  --l3: light-dark(#15803d, #6ee7a0); --l4: light-dark(#7e22ce, #d0a3ff); }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--faint); text-align: right; }
th:first-child, td:first-child { text-align: left; }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: var(--ink); }
svg .end { text-anchor: end; } svg polyline, svg line { fill: none; stroke-width: 1.4; }
svg .rule { stroke: var(--faint); stroke-width: 1; } svg .event { fill: var(--event); }
.l0 { stroke: var(--l0); } .l1 { stroke: var(--l1); } .l2 { stroke: var(--l2); } .l3 { stroke: var(--l3); }
.l4 { stroke: var(--l4); }
"""
LINES_MAX = 4
"""Policies drawn beside demand; the table holds all."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is about."""

    trace: Trace
    ground: Ground
    results: tuple[tuple[Result, Run], ...]


def page(shown: Shown) -> str:
    """The whole document."""
    trace = shown.trace
    results = [result for result, _ in shown.results]
    sections = [
        f"<h1>Scaling {escape(trace.name)}</h1>",
        f"<p>{len(trace.events)} events, {trace.last_min - trace.first_min:,} minutes from "
        f"{trace.at(trace.first_min):%Y-%m-%d %H:%M}, seed {results[0].seed}. {_of_ground(shown.ground)}</p>",
        _table(results),
        "<p>A minute is bad if more than 1 % of its requests were not served. Shares are in percent; over and "
        "under compare ready replicas with what the HPA's target needs.</p>",
        "<ul>",
        *(f"<li>{escape(r.policy)}: {escape(POLICIES[r.policy].what)}</li>" for r in results),
        "</ul>",
        "<h2>The whole time</h2>",
        _figure(shown, trace.first_min, trace.last_min),
        "<h2>The events that went worst</h2>",
        *(_event(shown, event) for event in worst(shown)),
    ]
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Scaling {escape(trace.name)}</title>"
        f"<style>{STYLE}</style><body>{''.join(sections)}</body></html>"
    )


def worst(shown: Shown) -> list[Event]:
    """The events in which all policies together missed most, then the largest, at most EVENTS_SHOWN."""
    trace = shown.trace
    demand = trace.demand[trace.first_min : trace.last_min]
    missed = np.sum([demand - run.served for _, run in shown.results], axis=0)

    def badness(event: Event) -> tuple[float, float]:
        begin = max(0, event.start_min - trace.first_min - AROUND_MIN)
        end = max(begin, event.end_min - trace.first_min + AROUND_MIN)
        return float(missed[begin:end].sum()), float(demand[begin:end].sum())

    scored = [
        event for event in trace.events if trace.first_min <= event.start_min < trace.last_min
    ]
    return sorted(scored, key=badness, reverse=True)[:EVENTS_SHOWN]


def _event(shown: Shown, event: Event) -> str:
    first = max(shown.trace.first_min, event.start_min - AROUND_MIN)
    last = min(shown.trace.last_min, event.end_min + AROUND_MIN)
    return f"<h3>{escape(event.name)}</h3>{_figure(shown, first, last)}"


def _figure(shown: Shown, first: int, last: int) -> str:
    trace, each = shown.trace, shown.ground.workload.per_replica
    cut = slice(first - trace.first_min, last - trace.first_min)
    lines = [Line(label="demand per minute", style="l0", values=trace.demand[first:last])]
    for index, (result, run) in enumerate(shown.results[:LINES_MAX]):
        ready: Minutes = run.ready[cut] * each
        lines.append(Line(label=f"ready: {result.policy}", style=f"l{index + 1}", values=ready))
    events = tuple(
        (max(event.start_min, first) - first, min(event.end_min, last) - first)
        for event in trace.events
        if event.start_min < last and event.end_min > first
    )
    return chart(
        lines,
        Span(
            first=f"{trace.at(first):%Y-%m-%d %H:%M}", last=f"{trace.at(last):%Y-%m-%d %H:%M}",
            events=events,
        ),
    )  # fmt: skip


def _table(results: Sequence[Result]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in COLUMNS)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table(results)
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _of_ground(ground: Ground) -> str:
    pods, nodes, load = ground.pods, ground.nodes, ground.workload
    return (
        f"A replica carries {load.per_replica:,.0f} requests a minute, a node {nodes.pods_per_node} replicas; pods start "
        f"in {pods.start.median_s:.0f} s, nodes in {nodes.provision.median_s:.0f} s (medians); HPA target "
        f"{load.target:.0%}."
    )
