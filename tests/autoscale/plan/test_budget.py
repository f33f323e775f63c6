"""What a budget carries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscale.plan.budget import Span, afford

HOUR = 3600.0
SPAN = Span(raise_s=0.0, end_s=2 * HOUR, hold_s=8 * HOUR, down_s=HOUR)


def test_without_a_budget_everything_stays_and_the_bill_is_told() -> None:
    """Ten nodes over lead, window, stepping down and the whole hold."""
    found = afford({"ads": 10}, SPAN, node_hours=None, spent=0.0, subject="s")
    assert (found.nodes, found.hold_until_s, found.node_hours) == ({"ads": 10}, 8 * HOUR, 90.0)
    assert found.condition is None
    assert not found.spent


def test_a_budget_first_takes_the_hold() -> None:
    """50 node-hours: ten nodes for the three that must be, two of holding."""
    found = afford({"ads": 10}, SPAN, node_hours=50.0, spent=0.0, subject="s")
    assert (found.share, found.nodes, found.hold_until_s) == (1.0, {"ads": 10}, 4 * HOUR)
    assert found.condition is None


def test_a_budget_that_does_not_reach_the_end_takes_nodes() -> None:
    """12 node-hours carry four nodes for three hours; 18 are missing, and that is said."""
    found = afford({"ads": 10}, SPAN, node_hours=12.0, spent=0.0, subject="s")
    assert (found.share, found.nodes, found.hold_until_s) == (0.4, {"ads": 4}, 2 * HOUR)
    assert found.condition.shortfall == 18.0
    assert "4 instead of 10 nodes of ads" in found.condition.message


def test_a_budget_of_nothing_gives_nothing() -> None:
    """No nodes, no division by them."""
    found = afford({"ads": 10}, SPAN, node_hours=0.0, spent=0.0, subject="s")
    assert (found.nodes, found.node_hours) == ({"ads": 0}, 0.0)


@pytest.mark.parametrize(("spent", "over"), [(49.0, False), (49.9, True), (60.0, True)])
def test_the_last_minute_counts_as_spent(spent: float, *, over: bool) -> None:
    """Ten nodes use a sixth of a node-hour a minute."""
    assert afford({"ads": 10}, SPAN, node_hours=50.0, spent=spent, subject="s").spent is over


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 200), min_size=1),
    st.floats(0, 1e5), st.floats(60, 1e5), st.floats(0, 1e5), st.floats(0, 1e4),
)  # fmt: skip
def test_the_bill_is_never_over_the_budget(
    nodes: dict[str, int], budget: float, window: float, hold: float, down: float
) -> None:
    """Whatever is asked for."""
    span = Span(raise_s=0.0, end_s=window, hold_s=window + hold, down_s=down)
    found = afford(nodes, span, node_hours=budget, spent=0.0, subject="s")
    assert found.node_hours <= budget + 1e-6
    assert all(0 <= found.nodes[pool] <= count for pool, count in nodes.items())
    assert span.end_s <= found.hold_until_s <= span.hold_s + 1e-6
