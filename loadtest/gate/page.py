"""`gate.html`: one file, nothing fetched, light and dark, for whoever must sign. Pure."""

from collections.abc import Sequence
from html import escape

from contracts.capacity import Capacity
from contracts.gate import FaultFigures, GateReport
from loadtest.gate.curve import curve
from loadtest.gate.words import Table, tables
from loadtest.report_chart import Mark, Second, chart
from loadtest.report_html import STYLE

EXTRA = """
.curve{fill:none;stroke:var(--rate);stroke-width:2}.level{fill:var(--p50)}.level.bad{fill:var(--bad)}
.limit{stroke:var(--p99);stroke-dasharray:5 4}.limitname{fill:var(--p99);font-weight:600}
@media print{body{background:#fff;color:#000}main{max-width:none}}
"""


def page(report: GateReport) -> str:
    """The whole page."""
    body = [_head(report), _tiles(report)]
    for table in tables(report):
        if table.title == "By class":
            body.append(_over_time(report))
        body.append(_table(table))
        if table.title == "Capacity" and report.capacity is not None:
            body.append(_curves(report.capacity))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(report.verdict)} · {escape(report.run)}</title>"
        f"<style>{STYLE}{EXTRA}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


def _head(report: GateReport) -> str:
    sent = sum(figures.sent for figures in report.by_class.values())
    return (
        f'<div class="verdict"><span class="badge {report.verdict}">{report.verdict}</span><div>'
        f"<h1>Load gate · {escape(report.run)}</h1><p>{sent:,} requests judged, {report.duration_s:g} s, "
        f"{len(report.faults)} faults, {len(report.reasons)} limits not kept.</p></div></div>"
    )


def _tiles(report: GateReport) -> str:
    broken = {reason.id for reason in report.reasons}
    served = sum(it.ok for it in report.by_class.values())
    sent = sum(it.sent for it in report.by_class.values())
    tiles = [
        ("requests served", f"{served / sent:.3%}" if sent else "none", bool({"availability", "nothing_measured", "target_unreachable"} & broken)),
        ("worst last trouble after a fault", f"{max((it.rto_ms for it in report.faults), default=0):.0f} ms" if report.faults else "no fault", "rto" in broken),
        ("of the error budget spent", f"{max((it.window_share for it in report.budget), default=0):.2%}", "budget" in broken),
        ("least headroom at the forecast peak", f"{min((it.headroom_low for it in report.headroom), default=0):.0%}" if report.headroom else "not asked", "headroom" in broken),
        ("generator CPU per request", f"{report.generator.cpu_us_per_request:.1f} µs", "generator_cpu" in broken),
        ("requests sent late", f"{report.generator.late:,}", "generator_late" in broken),
    ]  # fmt: skip
    if (orders := report.orders) is not None:
        bad = orders.lost + orders.duplicate + orders.phantom + orders.misplaced
        text = f"{orders.lost} · {orders.duplicate} · {orders.phantom} · {orders.misplaced}"
        tiles.insert(1, ("orders lost · duplicate · phantom · misplaced", text, bad > 0))
    cells = [
        f'<div class="tile{" bad" if bad else ""}"><b>{escape(value)}</b>{escape(name)}</div>'
        for name, value, bad in tiles
    ]
    return f'<div class="tiles">{"".join(cells)}</div>'


def _over_time(report: GateReport) -> str:
    seconds = [
        Second(
            second=it.second, sent=it.sent, ok=it.ok, failed=it.failed, shed=it.shed,
            p50_ms=it.p50_ms, p99_ms=it.p99_ms,
        )
        for it in report.seconds
    ]  # fmt: skip
    return (
        "<h2>Over time</h2><p>Latency counts from the intended send time. Faults are shaded until healed. "
        'Not served: <span class="key failed">failed</span>, <span class="key shed">shed</span>.</p>'
        f'<div class="scroll">{chart(seconds, _marks(report.faults, len(seconds)))}</div>'
    )


def _marks(faults: Sequence[FaultFigures], end_s: float) -> list[Mark]:
    return [
        Mark(label=it.kind.replace("_", " "), start_s=it.at_s, end_s=it.healed_s or end_s)
        for it in faults
        if it.kind != "response_drop"
    ]


def _curves(capacity: Capacity) -> str:
    drawn = [
        f"<h2>Capacity of {escape(name)}</h2><p>Levels that kept the objective, and "
        f'<span class="key failed">those that did not</span>; the line is the law fitted through all.</p>'
        f'<div class="scroll">{curve(service)}</div>'
        for name, service in capacity.services.items()
        if service.levels
    ]
    return "".join(drawn)


def _table(table: Table) -> str:
    words = {"how we know", "value", "confidence", "for example"}

    def cell(tag: str, index: int, text: str) -> str:
        left = index < table.left or table.header[index] in words
        opening = f'<{tag} class="left">' if left else f"<{tag}>"
        return f"{opening}{escape(text)}</{tag}>"

    head = "".join(cell("th", index, text) for index, text in enumerate(table.header))
    body = "".join(
        "<tr>" + "".join(cell("td", index, text) for index, text in enumerate(row)) + "</tr>"
        for row in table.rows
    )
    return (
        f'<h2>{escape(table.title)}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
