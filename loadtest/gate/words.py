"""The same tables for the page and for Markdown: what a release manager reads, in order. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from contracts.capacity import Interval
from contracts.gate import GateReport
from contracts.report import ClassFigures


class Table(NamedTuple):
    """A headed table of text; the first `left` columns are words, the rest figures."""

    title: str
    header: tuple[str, ...]
    rows: list[list[str]]
    left: int = 1


def tables(report: GateReport) -> Iterator[Table]:
    """All tables that have a row."""
    for table in (
        _reasons(report), _classes(report), _phases(report), _faults(report), _orders(report),
        _budget(report), _capacity(report), _headroom(report), _generator(report), _proofs(report),
    ):  # fmt: skip
        if table.rows:
            yield table


def _reasons(report: GateReport) -> Table:
    rows = [[it.id, it.scope, f"{it.measured:g}", f"{it.limit:g}"] for it in report.reasons]
    return Table("Why not GO", ("reason", "of", "measured", "limit"), rows, left=2)


FIGURES = ("sent", "ok", "shed", "failed", "p50 ms", "p99 ms", "p99.9 ms")


def _figures(it: ClassFigures) -> list[str]:
    counts = [f"{count:,}" for count in (it.sent, it.ok, it.shed, it.failed)]
    return [*counts, *(f"{ms:.1f}" for ms in (it.p50_ms, it.p99_ms, it.p999_ms))]


def _classes(report: GateReport) -> Table:
    rows = [[name, *_figures(it)] for name, it in report.by_class.items()]
    return Table("By class", ("class", *FIGURES), rows)


def _phases(report: GateReport) -> Table:
    rows = [[it.traffic, it.phase, *_figures(it.figures)] for it in report.phases]
    return Table("Before, during and after the faults", ("class", "phase", *FIGURES), rows, left=2)


def _faults(report: GateReport) -> Table:
    rows = [
        [
            it.kind.replace("_", " "), " ".join(it.targets), f"{it.at_s:.1f} s",
            f"{it.healed_s:.1f} s" if it.healed_s else "not healed",
            f"{it.rto_ms:.0f} ms", f"{it.rto_limit_ms:.0f} ms" if it.rto_limit_ms else "–",
            f"{it.failback_ms:.0f} ms", it.proof if it.proven else f"NOT PROVEN: {it.proof}",
        ]
        for it in report.faults
    ]  # fmt: skip
    header = (
        "fault",
        "on",
        "at",
        "healed",
        "last trouble after",
        "limit",
        "after heal",
        "how we know",
    )
    return Table("Faults", header, rows, left=2)


def _orders(report: GateReport) -> Table:
    it = report.orders
    if it is None:
        return Table("Orders", (), [])
    names = ("lost", "duplicate", "phantom", "mismatch", "idempotency", "unexpected", "misplaced")
    rows = [["acknowledged", f"{it.acked:,}", ""], ["indeterminate", f"{it.unknown:,}", ""]]
    rows += [
        [name, f"{getattr(it, name):,}", ", ".join(it.examples.get(name, ())[:3])] for name in names
    ]
    return Table("Orders", ("orders", "count", "for example"), rows)


def _budget(report: GateReport) -> Table:
    rows = [
        [it.traffic, f"{it.bad:,}", f"{it.allowed:,.1f}", f"{it.burn_rate:,.2f}", f"{it.window_share:.2%}"]
        for it in report.budget
    ]  # fmt: skip
    header = ("class", "bad", "allowed in the run", "burn rate", "of the window's budget")
    return Table("Error budget", header, rows)


def _between(it: Interval, digits: int = 0) -> str:
    if not it.value:
        return "–"
    high = f"{it.high:,.{digits}f}" if it.high else "no end"
    return f"{it.value:,.{digits}f} ({it.low:,.{digits}f} to {high})"


def _capacity(report: GateReport) -> Table:
    rows: list[list[str]] = []
    for name, it in (report.capacity.services if report.capacity else {}).items():
        fit = it.fit
        rows.append(
            [
                name, f"{it.replicas}", f"{it.measured_rps:,.0f}", f"{it.replica_rps:,.1f}",
                f"{it.replica_rps_low:,.1f}", _between(fit.peak_rps) if fit else "–",
                _between(fit.knee, 1) if fit else "–",
                f"{it.confidence}{': ' if it.why else ''}{it.why}",
            ]
        )  # fmt: skip
    header = (
        "service", "replicas", "kept the objective at rps", "per replica", "at least",
        "highest rps by the law (95 %)", "at concurrency", "confidence",
    )  # fmt: skip
    return Table("Capacity", header, rows)


def _headroom(report: GateReport) -> Table:
    rows = [
        [it.service, f"{it.peak_rps:,.0f}", f"{it.capacity_rps:,.0f}", f"{it.headroom:.0%}", f"{it.headroom_low:.0%}"]
        for it in report.headroom
    ]  # fmt: skip
    header = ("service", "forecast peak rps", "capacity by arithmetic", "headroom", "at least")
    return Table("Headroom at the forecast peak", header, rows)


def _generator(report: GateReport) -> Table:
    it = report.generator
    rows = [
        ["requests sent of planned", f"{it.sent:,} of {it.planned:,}"],
        ["taken up late", f"{it.late:,}"],
        ["waited over 50 ms for a connection", f"{max(it.waited - it.late, 0):,}"],
        ["processor time per request", f"{it.cpu_us_per_request:.1f} µs"],
        ["busiest worker", f"{it.cpu_share_max:.0%} of a core, longest wait of its loop {it.lag_ms_max:.0f} ms"],
        ["processor time stolen by the host", f"{it.steal_share:.1%}"],
        ["clock against clock", f"{it.clock_jump_ms:.1f} ms"],
    ]  # fmt: skip
    return Table("Generator", ("what", "value"), rows, left=2)


def _proofs(report: GateReport) -> Table:
    rows = [[name, text] for name, text in (report.proofs | report.environment).items()]
    return Table("Proofs and environment", ("what", "value"), rows, left=2)


def markdown(report: GateReport) -> str:
    """The whole report as Markdown."""
    parts = [f"# {report.verdict}: {report.run}\n"]
    parts += [f"## {table.title}\n\n{_markdown(table)}" for table in tables(report)]
    return "\n".join(parts)


def _markdown(table: Table) -> str:
    rules = ["---" if at < table.left else "---:" for at in range(len(table.header))]
    lines: list[Sequence[str]] = [table.header, rules, *table.rows]
    return "".join(f"| {' | '.join(_cell(text) for text in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
