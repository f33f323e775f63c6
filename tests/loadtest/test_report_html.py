"""The report page stands alone and says why."""

import re

import msgspec

from loadtest.report_chart import Second
from loadtest.report_html import page
from loadtest.verdict import judge
from tests.loadtest.test_verdict import GOOD, LIMITS, SPOILED

SECONDS = [Second(second=0, sent=9, ok=9, failed=0, shed=0, p50_ms=1, p99_ms=2)]


def test_the_page_fetches_nothing() -> None:
    """No script, no link, no address of another host: it opens from an attachment."""
    html = page(judge(GOOD, LIMITS), SECONDS, started_mono_ns=0)
    assert not re.search(r"<script|<link|src=|https?://", html)


def test_a_go_names_no_reason_and_a_no_go_names_each() -> None:
    """The reasons table appears exactly when there are reasons, with measured and limit."""
    assert "Why not GO" not in page(judge(GOOD, LIMITS), SECONDS, started_mono_ns=0)
    for reason, facts in SPOILED.items():
        html = page(judge(facts, LIMITS), SECONDS, started_mono_ns=0)
        assert "Why not GO" in html
        assert reason in html


def test_text_from_a_fault_is_escaped() -> None:
    """A proof text cannot become markup."""
    fault = msgspec.structs.replace(GOOD.faults[0], proof="<b>x</b>")
    html = page(
        judge(msgspec.structs.replace(GOOD, faults=(fault,)), LIMITS), SECONDS, started_mono_ns=0
    )
    assert "<b>x</b>" not in html
