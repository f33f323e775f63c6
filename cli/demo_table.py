"""What a person at a terminal sees at the end of a run."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from contracts.report import Report

COLOUR = {
    "GO": "bold white on green",
    "NO-GO": "bold white on red",
    "INVALID": "bold black on yellow",
}


def print_report(console: Console, report: Report, page: Path) -> None:
    """The table by class, the proofs in a line each, the reasons if any, and the verdict."""
    console.print(_by_class(report))
    for line in _proofs(report):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
    for reason in report.reasons:
        console.print(
            f"  [red]{reason.id}[/]  measured {reason.measured:g}, limit {reason.limit:g}",
            highlight=False,
            soft_wrap=True,
        )
    console.print(
        f"VERDICT  [{COLOUR[report.verdict]}] {report.verdict} [/]   report {page}",
        highlight=False,
        soft_wrap=True,
    )


def _by_class(report: Report) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("class", no_wrap=True)
    for name in ("sent", "ok", "shed", "failed", "p50 ms", "p99 ms", "p99.9 ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in report.requests.by_class.items():
        table.add_row(
            name,
            *(f"{count:,}" for count in (row.sent, row.ok, row.shed, row.failed)),
            *(f"{ms:.1f}" for ms in (row.p50_ms, row.p99_ms, row.p999_ms)),
        )
    return table


def _proofs(report: Report) -> list[str]:
    leaks, orders, events, failover = report.leaks, report.orders, report.events, report.failover
    return [
        f"leaks     {leaks.seen_public} of {leaks.canaries_planted:,} planted values seen in public, "
        f"{leaks.guard_blocks} guard blocks",
        f"taps      alive: {leaks.beacons_seen:,} of {leaks.beacons_sent:,} beacons, "
        f"{leaks.tap_bytes / 1e6:,.1f} MB read",
        f"node kill {failover.killed} of {failover.nodes} nodes: last failed or slow ad "
        f"+{failover.rto_ms:.0f} ms, {failover.failed_idempotent} idempotent requests failed in all",
        f"link cut  core: last failed or slow ad +{failover.site_cut_rto_ms:.0f} ms; "
        f"edge: {failover.edge_failed} failed",
        f"orders    {orders.acked:,} acked, {orders.lost} lost, {orders.duplicate} duplicate, "
        f"{orders.phantom} phantom, {orders.unknown} unknown",
        f"events    {events.produced:,} acked, {events.warehouse:,} in the warehouse, {events.lost} lost, "
        f"{events.duplicate} duplicate, p50 {events.p50_ms:.0f} ms",
        f"evidence  {report.evidence.records:,} records, "
        f"chain {'whole' if report.evidence.chain_ok else 'BROKEN'}",
    ]
