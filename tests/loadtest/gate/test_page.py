"""The page: one file, nothing fetched, every figure of the verdict in it, words escaped."""

import re
from html.parser import HTMLParser

import msgspec
import pytest

from contracts.gate import GateReason
from loadtest.gate.judge import judge
from loadtest.gate.page import page
from tests.loadtest.gate.runs import GOOD, PROOFS, SLO, changed, slo

REPORT = judge(GOOD, SLO, {"cpu": "2 <cores>"})
VOID = {"meta", "link", "br"}


class Checked(HTMLParser):
    """Every tag that is opened is closed, in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in {"src", "href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        pass


@pytest.mark.parametrize(
    "report",
    [
        REPORT,
        judge(changed(cells=(), rows=()), SLO, {}),
        judge(changed(proofs=type(PROOFS)()), slo(capacity={}, forecast={}), {}),
    ],
    ids=["full", "empty", "bare"],
)
def test_the_page_is_whole_and_fetches_nothing(report):
    """Balanced markup, no link out, also for a run of nothing."""
    text = page(report)
    checked = Checked(text)
    assert checked.open == []
    assert checked.links == ["data:,"]
    assert not re.search(r"https?://|@import|url\(", text)
    assert "prefers-color-scheme:dark" in text


def test_the_page_says_the_verdict_and_why():
    """Badge, reasons, faults, capacity curve, chart."""
    reason = GateReason(id="p99", scope="<public>", measured=12.5, limit=5)
    text = page(msgspec.structs.replace(REPORT, verdict="NO-GO", reasons=(reason,)))
    assert '<span class="badge NO-GO">NO-GO</span>' in text
    assert "&lt;public&gt;" in text
    assert "<public>" not in text
    assert text.count("<svg") == 2
    assert "node kill" in text
    assert "2 &lt;cores&gt;" in text
