"""Charts are well-formed, hide no peak and let nothing out of the text."""

import xml.etree.ElementTree as ET

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoscale.simulate.chart import Line, Span, chart, rounded_up, thinned


def drawn(values: np.ndarray, label: str = "demand") -> ET.Element:
    return ET.fromstring(
        chart([Line(label=label, style="l0", values=values)], Span(first="a", last="b", events=((1, 2),)))
    )  # fmt: skip


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=3000))
def test_thinning_keeps_the_highest_minute(values: list[float]) -> None:
    """However long the trace, its peak is drawn, with few points."""
    found = thinned(np.array(values), points=100)
    assert len(found) <= 100
    assert found.max() == max(values)


def test_a_chart_is_one_figure_with_its_lines_and_events() -> None:
    """An SVG with a curve, a shaded event and labels."""
    svg = drawn(np.array([1.0, 5.0, 3.0]))
    assert svg.tag == "svg"
    assert len(svg.findall("polyline")) == 1
    assert [one.get("class") for one in svg.findall("rect")] == ["event"]


def test_labels_are_escaped() -> None:
    """A name from a file cannot bring markup."""
    assert "<script>" in [text.text for text in drawn(np.ones(3), "<script>").findall("text")]


def test_axes_end_on_round_numbers() -> None:
    """1, 2 or 5 times a power of ten, never below the value."""
    assert [rounded_up(v) for v in (0, 7, 12, 51, 100)] == [1, 10, 20, 100, 100]


def test_an_empty_trace_draws_a_flat_line() -> None:
    """All zero is no division by zero."""
    assert drawn(np.zeros(5)).find("polyline") is not None
