"""Durations as Kubernetes writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscale.plan.durations import seconds, spoken


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("15m", 900), ("1h30m", 5400), ("50ms", 0.05), ("0s", 0)]
)
def test_what_kubernetes_writes_is_read(text: str, expected: float) -> None:
    """Hours, minutes, seconds and milliseconds add up."""
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "5", "-1h", "1d", "1h ", "h", "1.5h"])
def test_what_is_no_duration_is_named(text: str) -> None:
    """The error shows the text and an example."""
    with pytest.raises(ValueError, match="for example 90s"):
        seconds(text)


@given(st.integers(0, 10**7))
def test_spoken_is_read_back_to_within_its_last_unit(whole: int) -> None:
    """Two units lose less than a minute, and nothing below an hour."""
    assert abs(seconds(spoken(whole)) - whole) < (60 if whole >= 3600 else 1)
