"""Inline SVG of a simulation: demand against what each policy had ready, over time. Figures in, markup out.

Colours are CSS variables of the page, so that light and dark come for free.
"""

import math
from collections.abc import Sequence
from html import escape

import msgspec
import numpy as np

from autoscale.simulate.trace import Minutes

WIDTH, HEIGHT = 960, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 30
POINTS_MAX = 480
"""More points than half the pixels are not seen."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One curve: requests per minute by minute; `style` names its CSS class."""

    label: str
    style: str
    values: Minutes


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What the x axis shows: the label of its first minute, of its last, and events as minutes within."""

    first: str
    last: str
    events: tuple[tuple[int, int], ...] = ()


def thinned(values: Minutes, points: int = POINTS_MAX) -> Minutes:
    """At most `points` values; each is the highest of its stretch, so that no peak is hidden."""
    if len(values) <= points:
        return values
    size = math.ceil(len(values) / points)
    padded = np.full(math.ceil(len(values) / size) * size, -np.inf)
    padded[: len(values)] = values
    return padded.reshape(-1, size).max(axis=1)


def rounded_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    scale = 10.0 ** math.floor(math.log10(value))
    return next(step * scale for step in (1, 2, 5, 10) if step * scale >= value)


def chart(lines: Sequence[Line], span: Span) -> str:
    """The figure as one `<svg>`; all lines must be equally long."""
    minutes = len(lines[0].values)
    top = rounded_up(max(float(line.values.max()) for line in lines))
    marks = "".join(_event(begin, end, minutes) for begin, end in span.events)
    curves = "".join(_curve(line, top) for line in lines)
    grid = "".join(_rule(top, share) for share in (0.0, 0.5, 1.0))
    names = "".join(_name(index, line) for index, line in enumerate(lines))
    foot = HEIGHT - 8
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="demand and capacity over time">'
        f"{marks}{grid}{curves}{names}"
        f'<text x="{LEFT}" y="{foot}">{escape(span.first)}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{foot}" class="end">{escape(span.last)}</text></svg>'
    )


def _x(share: float) -> float:
    return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    return TOP + (1 - min(value / top, 1.0)) * (HEIGHT - TOP - BOTTOM)


def _curve(line: Line, top: float) -> str:
    values = thinned(line.values)
    last = max(len(values) - 1, 1)
    points = " ".join(
        f"{_x(index / last):.1f},{_y(float(value), top):.1f}" for index, value in enumerate(values)
    )
    return f'<polyline class="{escape(line.style)}" points="{points}"/>'


def _rule(top: float, share: float) -> str:
    at = _y(top * share, top)
    return (
        f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text x="{LEFT - 6}" y="{at + 4:.1f}" class="end">{top * share:,.0f}</text>'
    )


def _event(begin: int, end: int, minutes: int) -> str:
    left, right = _x(begin / minutes), _x(end / minutes)
    return (
        f'<rect class="event" x="{left:.1f}" y="{TOP}" width="{max(right - left, 1.0):.1f}" '
        f'height="{HEIGHT - TOP - BOTTOM}"/>'
    )


def _name(index: int, line: Line) -> str:
    at = LEFT + 8 + index * 170
    return (
        f'<line class="{escape(line.style)}" x1="{at}" x2="{at + 18}" y1="{TOP + 10}" y2="{TOP + 10}"/>'
        f'<text x="{at + 24}" y="{TOP + 14}">{escape(line.label)}</text>'
    )
