"""`report.html`: one file, nothing fetched, readable in a browser and by whoever must sign.

Pure: a `Report` and its seconds in, one page out. No value of a request ever reaches it.
"""

from collections.abc import Sequence
from html import escape

from contracts.fault import FaultRecord
from contracts.report import ClassFigures, Report
from loadtest.report_chart import Mark, Second, chart

FAULT_WORDS = {
    "node_kill": "nodes killed",
    "link_cut": "link cut",
    "bridge_kill": "bridge killed",
    "response_drop": "order answers dropped",
}

STYLE = """
:root{color-scheme:light dark;--ink:#1a1d21;--soft:#5b6470;--line:#d9dee5;--page:#fff;--card:#f5f7f9;
--rate:#2457a8;--p50:#2f7d4f;--p99:#a8551b;--bad:#b3261e;--shed:#c79a1e;--fault:#7a3fa01f;--faultline:#7a3fa0}
@media(prefers-color-scheme:dark){:root{--ink:#e7eaee;--soft:#9aa4b0;--line:#343b44;--page:#14171a;
--card:#1c2126;--rate:#7aa7ee;--p50:#6cc492;--p99:#e39a62;--bad:#ff8a80;--shed:#e2bd55;
--fault:#b58ad62b;--faultline:#b58ad6}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}main{max-width:1000px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:20px;margin:0 0 2px}h2{font-size:16px;margin:34px 0 8px}p{margin:4px 0;color:var(--soft)}
.verdict{display:flex;gap:18px;align-items:center;margin-bottom:18px}
.badge{font-size:26px;font-weight:700;padding:8px 18px;border-radius:8px;color:#fff;white-space:nowrap}
.GO{background:#1f7a46}.NO-GO{background:#b3261e}.INVALID{background:#7a5b00}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(180px,1fr));gap:10px}
.tile{background:var(--card);border-radius:8px;padding:12px 14px}.tile b{display:block;font-size:22px}
.tile.bad b{color:var(--bad)}.scroll{overflow-x:auto}
.key{font-weight:600}.key.failed{color:var(--bad)}.key.shed{color:var(--shed)}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:5px 10px;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}td:not(.left){white-space:nowrap}th:first-child,td:first-child,td.left,th.left{text-align:left}
svg{width:100%;height:auto;min-width:640px;font:12px system-ui,sans-serif}
.title{fill:var(--ink);font-weight:600}.tick,.none{fill:var(--soft)}.grid{stroke:var(--line)}
.base{stroke:var(--soft)}.line{fill:none;stroke-width:2}.line.rate{stroke:var(--rate)}
.line.p50{stroke:var(--p50)}.line.p99{stroke:var(--p99)}.name{font-weight:600}.name.rate{fill:var(--rate)}
.name.p50{fill:var(--p50)}.name.p99{fill:var(--p99)}.failed{fill:var(--bad)}.shed{fill:var(--shed)}
.fault{fill:var(--fault)}.faultline{stroke:var(--faultline);stroke-dasharray:3 3}
.mark{fill:var(--faultline);font-weight:600}
"""


def page(report: Report, seconds: Sequence[Second], *, started_mono_ns: int) -> str:
    """The whole page; `started_mono_ns` is the first intended send, the zero of the time axis."""
    body = [
        _head(report),
        _tiles(report),
        _reasons(report),
        "<h2>Over time</h2><p>Latency counts from the intended send time. Faults are shaded until healed. "
        'Not served: <span class="key failed">failed</span>, <span class="key shed">shed</span>.</p>',
        f'<div class="scroll">{chart(seconds, _fault_marks(report.faults, started_mono_ns))}</div>',
        _classes(report),
        _faults(report, started_mono_ns),
        _environment(report),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Isthmus {escape(report.verdict)} · seed {report.seed}</title>"
        f"<style>{STYLE}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


def _head(report: Report) -> str:
    requests = report.requests
    return (
        f'<div class="verdict"><span class="badge {report.verdict}">{report.verdict}</span><div>'
        f"<h1>Isthmus demo · seed {report.seed}</h1><p>{requests.sent:,} requests in "
        f"{report.duration_s:g} s through two routers, {report.leaks.canaries_planted:,} canaries planted, "
        f"{len(report.faults)} faults injected.</p></div></div>"
    )


def _tiles(report: Report) -> str:
    leaks, orders, events, failover = report.leaks, report.orders, report.events, report.failover
    tiles = [
        ("sensitive values seen in public", f"{leaks.seen_public}", leaks.seen_public > 0),
        ("beacons proving the taps", f"{leaks.beacons_seen:,} of {leaks.beacons_sent:,}", leaks.beacons_seen != leaks.beacons_sent),
        ("guard blocks", f"{leaks.guard_blocks}", leaks.guard_blocks > 0),
        ("orders lost · duplicate · phantom", f"{orders.lost} · {orders.duplicate} · {orders.phantom}", bool(orders.lost + orders.duplicate + orders.phantom)),
        ("events lost · duplicate", f"{events.lost} · {events.duplicate}", bool(events.lost + events.duplicate)),
        (f"last trouble after {failover.killed} of {failover.nodes} nodes died", f"{failover.rto_ms:.0f} ms", False),
        ("last trouble after the link cut", f"{failover.site_cut_rto_ms:.0f} ms", False),
        ("failed idempotent requests", f"{failover.failed_idempotent}", failover.failed_idempotent > 0),
    ]  # fmt: skip
    cells = [
        f'<div class="tile{" bad" if bad else ""}"><b>{escape(value)}</b>{escape(name)}</div>'
        for name, value, bad in tiles
    ]
    return f'<div class="tiles">{"".join(cells)}</div>'


def _reasons(report: Report) -> str:
    if not report.reasons:
        return ""
    rows = [[reason.id, f"{reason.measured:g}", f"{reason.limit:g}"] for reason in report.reasons]
    return "<h2>Why not GO</h2>" + _table(["reason", "measured", "limit"], rows)


def _classes(report: Report) -> str:
    rows = [_class_row(name, figures) for name, figures in report.requests.by_class.items()]
    header = ["class", "sent", "ok", "shed", "failed", "p50 ms", "p99 ms", "p99.9 ms"]
    return "<h2>By class</h2>" + _table(header, rows)


def _class_row(name: str, row: ClassFigures) -> list[str]:
    counts = [f"{count:,}" for count in (row.sent, row.ok, row.shed, row.failed)]
    return [name, *counts, *(f"{ms:.1f}" for ms in (row.p50_ms, row.p99_ms, row.p999_ms))]


def _faults(report: Report, started_mono_ns: int) -> str:
    rows = [
        [
            FAULT_WORDS[fault.kind],
            f"{(fault.injected_mono_ns - started_mono_ns) / 1e9:.1f} s",
            f"{(fault.healed_mono_ns - started_mono_ns) / 1e9:.1f} s"
            if fault.healed_mono_ns
            else "not healed",
            "yes" if fault.proven else "NO",
            fault.proof,
        ]
        for fault in report.faults
    ]
    return "<h2>Faults</h2>" + _table(["fault", "at", "healed", "proven", "how we know"], rows)


def _environment(report: Report) -> str:
    rows = [[name, value] for name, value in report.environment.items()]
    rows.append(
        [
            "evidence",
            f"{report.evidence.records:,} records, chain {'whole' if report.evidence.chain_ok else 'BROKEN'}",
        ]
    )
    return "<h2>Environment</h2>" + _table(["what", "value"], rows, left_columns=2)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left_columns: int = 1) -> str:
    def cell(tag: str, index: int, text: str) -> str:
        left = index < left_columns or header[index] in {"how we know", "value"}
        opening = f'<{tag} class="left">' if left else f"<{tag}>"
        return f"{opening}{escape(text)}</{tag}>"

    head = "".join(cell("th", index, text) for index, text in enumerate(header))
    body = "".join(
        "<tr>" + "".join(cell("td", index, text) for index, text in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _fault_marks(faults: Sequence[FaultRecord], started_mono_ns: int) -> list[Mark]:
    return [
        Mark(
            label=FAULT_WORDS[fault.kind],
            start_s=(fault.injected_mono_ns - started_mono_ns) / 1e9,
            end_s=((fault.healed_mono_ns or fault.injected_mono_ns) - started_mono_ns) / 1e9,
        )
        for fault in faults
        if fault.kind != "response_drop"
    ]
