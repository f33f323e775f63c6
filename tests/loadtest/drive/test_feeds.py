"""Feeds and recorded rates: good files read as they stand, bad ones named by file and line."""

import pytest

from loadtest.drive.feeds import clean, from_csv, from_values, trace_of
from policy.problems import PolicyError


def test_values_are_rows_of_one_column():
    """A list in the plan is a feed without column names."""
    feed = from_values(("a", "ü"), random=False)
    assert (feed.columns, feed.rows) == ({}, ((b"a",), ("ü".encode(),)))


def test_a_csv_file_has_named_columns():
    """The header names them; quoted commas and a byte order mark are no matter."""
    feed = from_csv(b'\xef\xbb\xbfid,name\n1,"a,b"\n\n2,c\n', "u.csv", random=True)
    assert feed.columns == {"id": 0, "name": 1}
    assert feed.rows == ((b"1", b"a,b"), (b"2", b"c"))
    assert feed.random


@pytest.mark.parametrize(
    ("data", "line", "word"),
    [
        (b"", 1, "no rows"),
        (b"id\n", 1, "no rows"),
        (b"id,id\n1,2\n", 1, "same"),
        (b"id,\n1,2\n", 1, "no name"),
        (b"id,b\n1,2\n3\n", 3, "1 values"),
        (b"id\na\x00b\n", 2, "control"),
        (b"id\n\xff\n", 2, "UTF-8"),
    ],
)
def test_a_bad_csv_file_is_named_with_its_line(data, line, word):
    """What could end a header line on the wire never gets into a feed."""
    with pytest.raises(PolicyError, match=word) as caught:
        from_csv(data, "u.csv", random=False)
    problem = caught.value.problems[0]
    assert (problem.file, problem.line) == ("u.csv", line)
    assert problem.expected
    assert problem.fix


def test_a_trace_is_seconds_and_rates():
    """A header line is passed over."""
    assert trace_of(b"second,rate\n0,10\n1.5,20\n", "t.csv") == ((0.0, 10.0), (1.5, 20.0))


@pytest.mark.parametrize(
    ("data", "line", "word"),
    [
        (b"second,rate\n", 1, "no points"),
        (b"0,1\n1,x\n", 2, "no point"),
        (b"0,1\n1,2,3\n", 2, "no point"),
        (b"0,1\n0,2\n", 2, "back in time"),
        (b"0,-1\n", 1, "out of range"),
        (b"0,nan\n", 1, "out of range"),
        (b"0,inf\n", 1, "out of range"),
    ],
)
def test_a_bad_trace_is_named_with_its_line(data, line, word):
    """Text, disorder and rates that are none are refused."""
    with pytest.raises(PolicyError, match=word) as caught:
        trace_of(data, "t.csv")
    assert caught.value.problems[0].line == line


def test_control_characters_are_not_clean():
    """Line ends, null and delete; letters of any script are."""
    assert [clean(text) for text in ("a b", "ü你", "a\nb", "a\r", "\x00", "\x7f")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
