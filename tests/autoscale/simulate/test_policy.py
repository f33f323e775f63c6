"""A policy's words."""

from autoscale.simulate.policy import NOTHING


def test_no_wish_changes_nothing() -> None:
    """The empty wish raises no floor, holds no node and feeds no metric."""
    assert (NOTHING.floor, NOTHING.nodes, NOTHING.scheduled) == (0, 0, None)
