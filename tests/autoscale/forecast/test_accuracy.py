"""The accuracy report counts by hand."""

import numpy as np
import pytest

from autoscale.forecast.accuracy import Kept, accuracy, kept
from autoscale.forecast.bound import Bound
from autoscale.forecast.outlook import Outlook


def row(planned: float, actual: float, **changes) -> Kept:
    fields = {
        "name": "e", "q": 0.9, "middle": planned / 2, "planned": planned, "actual": actual,
        "method": "conformal", "events": 9,
    }  # fmt: skip
    return Kept(**{**fields, **changes})


def test_nothing_finished_is_no_report() -> None:
    """None, not zeros."""
    assert accuracy([]) is None


def test_shares_and_losses_are_those_of_the_rows() -> None:
    """Two covered, one missed by half."""
    report = accuracy([row(200, 100), row(100, 100), row(100, 200)])
    assert report is not None
    assert report.coverage == pytest.approx(2 / 3)
    assert report.planned_over == pytest.approx(1.0)
    assert report.middle_error == pytest.approx((0.0 + 0.5 + 0.75) / 3)
    assert report.pinball == pytest.approx((0.1 * 1.0 + 0.0 + 0.9 * 0.5) / 3)


def test_events_without_a_conformal_bound_are_told_apart() -> None:
    """Later figures are those of events with enough history."""
    report = accuracy([row(50, 100, method="student", events=1), row(200, 100)])
    assert report is not None
    assert (report.later_events, report.later_coverage) == (1, 1.0)
    early = accuracy([row(50, 100, method="student", events=1)])
    assert early is not None
    assert (early.later_events, early.later_coverage, early.later_planned_over) == (0, None, None)


def test_of_an_outlook_its_peaks_are_kept() -> None:
    """The largest bin of the likely and of the planned curve."""
    said = Outlook(
        offset_min=0, demand=np.array([1.0, 30.0, 2.0]), middle=np.array([1.0, 20.0, 2.0]),
        bound=Bound(value=1.0, q=0.9, n=3, method="student"), live_share=1.0, source="history",
    )  # fmt: skip
    found = kept("e", said, actual=25.0, q=0.9)
    assert (found.middle, found.planned, found.events) == (20.0, 30.0, 3)
    assert found.covered
