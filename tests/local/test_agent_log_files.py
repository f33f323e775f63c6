"""Logs on disk: marked as they grow, bounded, read on."""

import os

import pytest

from local import agent_log_files
from local.agent_log import read_marks
from local.agent_log_files import (
    LOG_BYTES_KEPT,
    LOG_BYTES_MAX,
    Marker,
    read_log,
    read_times,
    trim_log,
)

SECOND = 1_000_000_000


def write(log, text: bytes, at_s: int) -> None:
    with log.open("ab") as file:
        file.write(text)
    os.utime(log, ns=(at_s * SECOND, at_s * SECOND))


def marks(record):
    return [(it.size, it.at_ns // SECOND) for it in read_marks((record / "times").read_bytes())]


def test_a_log_is_marked_when_it_has_grown(tmp_path) -> None:
    """Once for each growth, by whichever agent; one that is not there is nothing."""
    marker, log = Marker(), tmp_path / "log"
    marker.mark(tmp_path)
    assert list(tmp_path.iterdir()) == []
    write(log, b"one\n", 10)
    marker.mark(tmp_path)
    marker.mark(tmp_path)
    Marker().mark(tmp_path)
    write(log, b"two\nthree\n", 20)
    Marker().mark(tmp_path)
    assert marks(tmp_path) == [(4, 10), (14, 20)]
    write(log, b"four\n", 30)
    times = read_times(log)
    assert [times.at(it) // SECOND for it in (0, 4, 8, 14)] == [10, 20, 20, 30]


def test_a_mark_that_was_half_written_is_made_good(tmp_path) -> None:
    """The agent died while it wrote."""
    write(tmp_path / "log", b"one\n", 10)
    Marker().mark(tmp_path)
    with (tmp_path / "times").open("ab") as file:
        file.write(b"torn")
    write(tmp_path / "log", b"two\n", 20)
    Marker().mark(tmp_path)
    assert marks(tmp_path) == [(4, 10), (8, 20)]


def test_marks_are_bounded(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the bound every second one goes."""
    monkeypatch.setattr(agent_log_files, "MARKS_MAX", 4)
    marker = Marker()
    for number in range(1, 6):
        write(tmp_path / "log", b"x", number)
        marker.mark(tmp_path)
    assert marks(tmp_path) == [(2, 2), (4, 4), (5, 5)]


def test_a_log_is_bounded_and_its_end_kept_with_its_times(tmp_path) -> None:
    """The process goes on writing at the new end; what is left is as old as it was."""
    log, marker = tmp_path / "log", Marker()
    assert not trim_log(tmp_path)
    with log.open("ab", buffering=0) as writer:
        writer.truncate(LOG_BYTES_MAX)
        os.utime(log, ns=(5 * SECOND, 5 * SECOND))
        marker.mark(tmp_path)
        assert not trim_log(tmp_path)
        writer.write(b"last")
        os.utime(log, ns=(7 * SECOND, 7 * SECOND))
        marker.mark(tmp_path)
        assert trim_log(tmp_path)
        assert log.stat().st_size == LOG_BYTES_KEPT
        writer.write(b"more")
        os.utime(log, ns=(9 * SECOND, 9 * SECOND))
        marker.mark(tmp_path)
    assert log.read_bytes().endswith(b"lastmore")
    times = read_times(log)
    assert [times.at(LOG_BYTES_KEPT + it) // SECOND for it in (-5, -4, 0)] == [5, 7, 9]


def test_reading_goes_on_where_it_was_and_begins_anew_in_a_log_that_was_cut(tmp_path) -> None:
    """And a log that is gone has nothing."""
    log = tmp_path / "log"
    assert read_log(log, 7) == (b"", 7)
    assert read_times(log).at(0) == 0
    log.write_bytes(b"0123456789")
    assert read_log(log, 4) == (b"456789", 4)
    log.write_bytes(b"01")
    assert read_log(log, 4) == (b"01", 0)
