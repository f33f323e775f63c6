"""The verdict as JUnit XML, so that any CI shows which limit was not kept. Pure."""

from collections.abc import Iterator
from typing import get_args
from xml.sax.saxutils import escape, quoteattr

from contracts.gate import GATE_INVALIDATING, GateReason, GateReasonId, GateReport


def junit(report: GateReport) -> str:
    """One test case per reason id: passed, failed (a violation) or in error (a missing proof)."""
    cases = list(_cases(report))
    failures = sum(reason is not None and reason.id not in GATE_INVALIDATING for _, reason in cases)
    errors = sum(reason is not None and reason.id in GATE_INVALIDATING for _, reason in cases)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites><testsuite name={quoteattr(f'load gate {report.run}')} tests={quoteattr(str(len(cases)))} "
        f'failures="{failures}" errors="{errors}" time={quoteattr(f"{report.duration_s:.3f}")}>',
        f"<properties><property name={quoteattr('verdict')} value={quoteattr(report.verdict)}/></properties>",
    ]
    for name, reason in cases:
        opening = f"<testcase classname={quoteattr('isthmus.load.gate')} name={quoteattr(name)}"
        if reason is None:
            lines.append(f"{opening}/>")
            continue
        tag = "error" if reason.id in GATE_INVALIDATING else "failure"
        said = f"measured {reason.measured:g}, limit {reason.limit:g}"
        lines.append(
            f"{opening}><{tag} type={quoteattr(reason.id)} message={quoteattr(said)}>"
            f"{escape(said)}</{tag}></testcase>"
        )
    return "\n".join([*lines, "</testsuite></testsuites>"]) + "\n"


def _cases(report: GateReport) -> Iterator[tuple[str, GateReason | None]]:
    broken = {reason.id for reason in report.reasons}
    for name in get_args(GateReasonId):
        if name not in broken:
            yield name, None
    for reason in report.reasons:
        yield f"{reason.id}: {reason.scope}" if reason.scope else reason.id, reason
