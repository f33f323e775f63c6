"""The capacity of a service as inline SVG: throughput over concurrency, levels and the fitted law. Pure."""

from html import escape

import numpy as np

from contracts.capacity import ServiceCapacity
from loadtest.gate.usl import throughput

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 300, 70, 20, 24, 40
POINTS = 160


def curve(service: ServiceCapacity) -> str:
    """One `<svg>`; colours are the page's variables."""
    fit = service.fit
    most = max(level.concurrency for level in service.levels) * 1.1 or 1.0
    if fit is not None and 0 < fit.knee.value < most * 3:
        most = max(most, fit.knee.value * 1.15)
    xs = np.linspace(most / POINTS / 8, most, POINTS)
    ys = (
        throughput(np.array([fit.rate.value, fit.sigma.value, fit.kappa.value]), xs)
        if fit is not None
        else np.zeros(0)
    )
    top = max([level.ok_rps for level in service.levels] + [float(y) for y in ys]) * 1.12 or 1.0

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + x / most * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM),
        )

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Throughput over concurrency">'
    ]
    parts += _grid(
        top, most, at(0, 0)[1], [at(0, top * share)[1] for share in (0.25, 0.5, 0.75, 1.0)]
    )
    if ys.size:
        path = " ".join(
            "{:.1f},{:.1f}".format(*at(float(x), float(y))) for x, y in zip(xs, ys, strict=True)
        )
        parts.append(f'<polyline points="{path}" class="curve"/>')
    if service.measured_rps:
        y = at(0, service.measured_rps)[1]
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="limit"/>'
        )
        parts.append(
            f'<text x="{WIDTH - RIGHT}" y="{y - 6:.1f}" text-anchor="end" class="limitname">'
            f"kept the objective: {service.measured_rps:,.0f} rps</text>"
        )
    for level in service.levels:
        x, y = at(level.concurrency, level.ok_rps)
        said = f"{level.offered_rps:,.0f} offered, {level.ok_rps:,.0f} served, p99 {level.p99_ms:.1f} ms"
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" class="level{"" if level.good else " bad"}">'
            f"<title>{escape(said)}</title></circle>"
        )
    return "\n".join([*parts, "</svg>"])


def _grid(top: float, most: float, base: float, lines: list[float]) -> list[str]:
    parts = [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base:.1f}" y2="{base:.1f}" class="base"/>',
        f'<text x="{LEFT}" y="{TOP - 8}" class="title">requests served a second</text>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end" class="tick">'
        f"requests in flight, up to {most:,.1f}</text>",
    ]
    for share, y in zip((0.25, 0.5, 0.75, 1.0), lines, strict=True):
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        )
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" class="tick">{top * share:,.0f}</text>'
        )
    return parts
