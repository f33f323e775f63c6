"""The chart is well-formed SVG whatever the figures."""

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from loadtest.report_chart import Mark, Second, chart

COUNT = st.integers(0, 10**6)
MS = st.floats(0, 10**6)


@given(
    st.lists(st.tuples(COUNT, COUNT, COUNT, MS, MS), max_size=40),
    st.lists(st.tuples(st.text(max_size=10), st.floats(-5, 100), st.floats(-5, 100)), max_size=5),
)
def test_any_run_draws_well_formed_svg(rows: list[tuple], faults: list[tuple]) -> None:
    """Empty, huge and odd figures all give parseable markup."""
    seconds = [
        Second(second=i, sent=sent, ok=0, failed=failed, shed=shed, p50_ms=p50, p99_ms=p99)
        for i, (sent, failed, shed, p50, p99) in enumerate(rows)
    ]
    printable = [(name.encode("ascii", "ignore").decode(), a, b) for name, a, b in faults]
    marks = [
        Mark(label="".join(filter(str.isprintable, n)), start_s=a, end_s=b) for n, a, b in printable
    ]
    assert ET.fromstring(chart(seconds, marks)).tag == "svg"


def test_an_error_free_run_says_none_where_errors_would_stand() -> None:
    """An empty panel is explained, not blank."""
    second = Second(second=0, sent=5, ok=5, failed=0, shed=0, p50_ms=1, p99_ms=2)
    assert ">none<" in chart([second], [])


def test_failures_are_bars_with_their_count() -> None:
    """A second with failures shows a bar that names it."""
    second = Second(second=3, sent=5, ok=3, failed=2, shed=0, p50_ms=1, p99_ms=2)
    assert "second 3: 2 failed" in chart([second], [])
