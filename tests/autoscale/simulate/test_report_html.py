"""The report stands alone and shows the figures and the worst events."""

import re
from html.parser import HTMLParser

import msgspec

from autoscale.simulate.catalogue import simulate
from autoscale.simulate.ground import Ground
from autoscale.simulate.report_html import Shown, page, worst
from tests.autoscale.simulate.small import surges

GROUND = Ground()


class Balanced(HTMLParser):
    """Counts open elements."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        if tag not in {"meta", "line", "rect", "polyline"}:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        while self.open and self.open.pop() != tag:
            pass


def shown() -> Shown:
    trace = surges(3)
    trace.demand[trace.events[1].start_min :][:60] *= 3
    results = tuple(simulate(name, trace, ground=GROUND, seed=0) for name in ("hpa", "keda_cron"))
    return Shown(trace=trace, ground=GROUND, results=results)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """No link, script, image or address of another file."""
    text = page(shown())
    assert re.search(r"https?:|src=|href=|<script|@import|url\(", text) is None
    balanced = Balanced()
    balanced.feed(text)
    assert balanced.open == []


def test_figures_and_charts_are_there() -> None:
    """A row per policy, a chart of the whole and one per worst event."""
    of = shown()
    text = page(of)
    assert text.count("<svg") == 1 + 3
    for result, _ in of.results:
        assert f"<td>{result.policy}</td><td>{result.score.bad_minutes}</td>" in text


def test_the_worst_event_comes_first() -> None:
    """The tripled one."""
    of = shown()
    assert worst(of)[0] == of.trace.events[1]


def test_names_from_the_calendar_are_escaped() -> None:
    """Markup in an event's name stays text."""
    of = shown()
    nasty = msgspec.structs.replace(of.trace.events[0], name="<b>x</b>")
    trace = msgspec.structs.replace(of.trace, events=(nasty,))
    assert "<b>x</b>" not in page(msgspec.structs.replace(of, trace=trace))
