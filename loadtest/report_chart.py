"""Inline SVG of a run over time: rate, latency and errors on one time axis, with the faults marked.

Pure: figures in, markup out. Colours are CSS variables of the page, so light and dark come for free.
"""

import math
from collections.abc import Sequence
from html import escape

import msgspec

WIDTH = 960
LEFT = 56
RIGHT = 16
PANEL_HEIGHT = 150
PANEL_GAP = 34
TOP = 64
LATENCY_FLOOR_MS = 0.5


class Second(msgspec.Struct, frozen=True, kw_only=True):
    """One second of the run; `second` counts from the first intended send, latency in ms."""

    second: int
    sent: int
    ok: int
    failed: int
    shed: int
    p50_ms: float
    p99_ms: float


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A fault on the time axis: seconds from the first intended send, `end_s` when it was healed."""

    label: str
    start_s: float
    end_s: float


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """Maps seconds to x and one panel's values to y (linear, or log10 when `log`)."""

    seconds: float
    top: float
    low: float
    high: float
    log: bool = False

    def x(self, second: float) -> float:
        """Pixel of an instant, clipped to the panel."""
        share = min(max(second / self.seconds, 0.0), 1.0) if self.seconds else 0.0
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Pixel of a value, clipped to the panel."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(max(value, self.low))
        share = min(max((at - low) / (high - low), 0.0), 1.0) if high > low else 0.0
        return self.top + PANEL_HEIGHT * (1 - share)


def chart(seconds: Sequence[Second], marks: Sequence[Mark]) -> str:
    """The whole figure as one `<svg>` element."""
    span = float(max((row.second for row in seconds), default=0) + 1)
    height = TOP + 3 * PANEL_HEIGHT + 2 * PANEL_GAP + 34
    tops = [TOP + index * (PANEL_HEIGHT + PANEL_GAP) for index in range(3)]
    rate = Axis(
        seconds=span,
        top=tops[0],
        low=0,
        high=_round_up(max((row.sent for row in seconds), default=1)),
    )
    worst = max((row.p99_ms for row in seconds), default=1.0)
    latency = Axis(
        seconds=span, top=tops[1], low=LATENCY_FLOOR_MS, high=max(10 ** math.ceil(math.log10(max(worst, 1.0))), 10), log=True
    )  # fmt: skip
    most = max((row.failed + row.shed for row in seconds), default=0)
    errors = Axis(seconds=span, top=tops[2], low=0, high=_round_up(max(most, 4)))
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Rate, latency and errors over time">',
        _marks(marks, rate, bottom=tops[2] + PANEL_HEIGHT),
        _panel(rate, "requests a second", [rate.high / 2, rate.high]),
        _line(rate, [(row.second, row.sent) for row in seconds], "rate", "sent"),
        _panel(latency, "latency, ms (log)", _decades(latency)),
        _line(latency, [(row.second, row.p99_ms) for row in seconds], "p99", "p99"),
        _line(latency, [(row.second, row.p50_ms) for row in seconds], "p50", "p50"),
        _panel(errors, "not served (failed, shed) a second", [errors.high / 2, errors.high]),
        _bars(errors, seconds),
        _time_axis(rate, tops[2] + PANEL_HEIGHT),
        "</svg>",
    ]
    return "\n".join(parts)


def _round_up(value: float) -> float:
    magnitude = 10 ** math.floor(math.log10(max(value, 1)))
    return next(step * magnitude for step in (1, 2, 4, 5, 10) if step * magnitude >= value)


def _decades(axis: Axis) -> list[float]:
    return [10.0**power for power in range(int(math.log10(axis.high)) + 1)]


def _text(x: float, y: float, text: str, css: str, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _panel(axis: Axis, title: str, ticks: Sequence[float]) -> str:
    base = axis.top + PANEL_HEIGHT
    lines = [
        _text(LEFT, axis.top - 8, title, "title"),
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}" class="base"/>',
    ]
    for tick in ticks:
        y = axis.y(tick)
        lines += [
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>',
            _text(LEFT - 8, y + 4, f"{tick:g}", "tick", "end"),
        ]
    return "\n".join(lines)


def _line(axis: Axis, points: Sequence[tuple[float, float]], css: str, name: str) -> str:
    if not points:
        return ""
    path = " ".join(f"{axis.x(x + 0.5):.1f},{axis.y(y):.1f}" for x, y in points)
    last_x, last_y = points[-1]
    return "\n".join(
        [
            f'<polyline points="{path}" class="line {css}"><title>{escape(name)}</title></polyline>',
            _text(axis.x(last_x + 0.5) - 4, axis.y(last_y) - 6, name, f"name {css}", "end"),
        ]
    )


def _bars(axis: Axis, seconds: Sequence[Second]) -> str:
    width = max((WIDTH - LEFT - RIGHT) / axis.seconds - 1, 1)
    base = axis.top + PANEL_HEIGHT
    bars: list[str] = []
    for row in seconds:
        bottom = base
        for count, css in ((row.failed, "failed"), (row.shed, "shed")):
            if not count:
                continue
            height = base - axis.y(count)
            bars.append(
                f'<rect x="{axis.x(row.second):.1f}" y="{bottom - height:.1f}" width="{width:.1f}" '
                f'height="{height:.1f}" class="{css}"><title>second {row.second}: {count} {css}</title></rect>'
            )
            bottom -= height
    if not bars:
        bars.append(
            _text((LEFT + WIDTH - RIGHT) / 2, axis.top + PANEL_HEIGHT / 2, "none", "none", "middle")
        )
    return "\n".join(bars)


def _marks(marks: Sequence[Mark], axis: Axis, *, bottom: float) -> str:
    drawn: list[str] = []
    for index, mark in enumerate(marks):
        left, right = axis.x(mark.start_s), axis.x(max(mark.end_s, mark.start_s))
        label_y = 16 + 15 * (index % 3)
        anchor = "end" if left > WIDTH * 0.8 else "start"
        drawn += [
            f'<rect x="{left:.1f}" y="{label_y + 3:.1f}" width="{max(right - left, 1.5):.1f}" '
            f'height="{bottom - label_y - 3:.1f}" class="fault"/>',
            f'<line x1="{left:.1f}" x2="{left:.1f}" y1="{label_y + 3:.1f}" y2="{bottom:.1f}" class="faultline"/>',
            _text(left, label_y, mark.label, "mark", anchor),
        ]
    return "\n".join(drawn)


def _time_axis(axis: Axis, y: float) -> str:
    step = next(
        step for step in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 3600) if axis.seconds / step <= 14
    )
    ticks = [
        _text(axis.x(at), y + 18, f"{at} s", "tick", "middle")
        for at in range(0, int(axis.seconds) + 1, step)
    ]
    return "\n".join(ticks)
