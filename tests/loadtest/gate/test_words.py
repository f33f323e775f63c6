"""The tables of the report: what was judged stands in them, and Markdown keeps its columns."""

import re

import msgspec

from contracts.gate import GateReason
from loadtest.gate.judge import judge
from loadtest.gate.words import markdown, tables
from tests.loadtest.gate.runs import CHECK, GOOD, SLO, changed, slo

REPORT = judge(GOOD, SLO, {"cpu": "2 cores"})


def rows_of(report, title):
    return next(table.rows for table in tables(report) if table.title == title)


def test_every_row_has_as_many_cells_as_its_header():
    """In every table of a full report."""
    titles = []
    for table in tables(REPORT):
        titles.append(table.title)
        assert {len(row) for row in table.rows} == {len(table.header)}, table.title
    assert titles == [
        "By class", "Before, during and after the faults", "Faults", "Orders", "Error budget",
        "Capacity", "Headroom at the forecast peak", "Generator", "Proofs and environment",
    ]  # fmt: skip


def test_reasons_come_first():
    """What keeps the run from GO, with what was measured."""
    reason = GateReason(id="p99", scope="public", measured=12.5, limit=5)
    broken = msgspec.structs.replace(REPORT, reasons=(reason,))
    assert next(iter(tables(broken))).title == "Why not GO"
    assert rows_of(broken, "Why not GO") == [["p99", "public", "12.5", "5"]]


def test_a_fault_that_was_not_proven_or_healed_says_so():
    """Where the reader looks for it."""
    fault = msgspec.structs.replace(REPORT.faults[0], proven=False, healed_s=0, rto_limit_ms=0)
    row = rows_of(msgspec.structs.replace(REPORT, faults=(fault,)), "Faults")[0]
    assert row[3] == "not healed"
    assert row[-1].startswith("NOT PROVEN")


def test_findings_name_examples():
    """The first keys of what was lost."""
    check = msgspec.structs.replace(CHECK, lost=2, examples={"lost": ("k1", "k2")})
    found = judge(changed("proofs", orders=check), SLO, {})
    assert ["lost", "2", "k1, k2"] in rows_of(found, "Orders")


def test_a_run_without_capacity_or_proofs_has_fewer_tables():
    """What was not asked is not shown."""
    bare = judge(GOOD, slo(capacity={}, forecast={}), {})
    assert "Capacity" not in {table.title for table in tables(bare)}


def test_markdown_is_a_heading_and_tables():
    """Bars and line ends in words do not break a row."""
    reason = GateReason(id="rto", scope="a|b\n<c>", measured=1, limit=0)
    text = markdown(msgspec.structs.replace(REPORT, verdict="NO-GO", reasons=(reason,)))
    assert text.startswith("# NO-GO: sale\n")
    assert r"| rto | a\|b &lt;c> | 1 | 0 |" in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1
