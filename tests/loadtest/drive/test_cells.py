"""Seconds are written when nothing in them can still change, and never lose a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.drive.cells import Cell, Seconds
from loadtest.drive.histogram import Latencies


def test_a_second_with_open_requests_waits():
    """It is written once its last request has ended; complete ones go before it."""
    written = []
    seconds = Seconds(["a", "b"], written.append)
    slow, fast = seconds.row(0)[0], seconds.row(1)[1]
    slow.sent = fast.sent = 1
    fast.ok = 1
    seconds.write_until(2)
    assert [(cell.second, cell.kind) for cell in written] == [(1, "b")]
    slow.unknown = 1
    seconds.write_until(2)
    assert [(cell.second, cell.kind, cell.unknown) for cell in written] == [
        (1, "b", 0),
        (0, "a", 1),
    ]


def test_a_second_that_is_not_over_is_kept():
    """Requests may still be added to it."""
    written = []
    seconds = Seconds(["a"], written.append)
    row = seconds.row(3)
    seconds.write_until(3)
    assert (written, seconds.row(3)) == ([], row)


OUTCOMES = st.sampled_from(["ok", "failed", "shed", "unknown"])


@given(st.lists(st.tuples(st.integers(0, 4), OUTCOMES, st.integers(1, 10**6)), max_size=60))
def test_at_the_end_everything_is_written_once(requests):
    """Whatever was counted stands in exactly one line, histogram included."""
    written = []
    seconds = Seconds(["a"], written.append)
    for second, outcome, latency_us in requests:
        cell = seconds.row(second)[0]
        cell.sent += 1
        cell.count(outcome)
        cell.latencies_us.append(latency_us)
    seconds.write_all()
    seconds.write_all()
    assert len({cell.second for cell in written}) == len(written)
    for name in ("ok", "failed", "shed", "unknown"):
        assert sum(getattr(cell, name) for cell in written) == sum(it[1] == name for it in requests)
    total = Latencies()
    for cell in written:
        total.decode(cell.histogram)
    assert total.count == len(requests)


@pytest.mark.parametrize("outcome", ["ok", "failed", "shed", "unknown"])
def test_an_ended_request_is_no_longer_open(outcome):
    """Each outcome closes one."""
    cell = Cell()
    cell.sent = 1
    cell.count(outcome)
    assert (cell.open, getattr(cell, outcome)) == (0, 1)
