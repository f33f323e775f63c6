"""Which lines of a log are told, and when each was written."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from local.agent_log import (
    Line,
    LogQuery,
    Mark,
    Teller,
    Times,
    chosen,
    lines_of,
    parse_query,
    read_marks,
    shifted,
    since_ns,
    stamp,
    thinned,
    write_marks,
)

NANO = 1_000_000_000
TIMES = Times((Mark(4, 10 * NANO), Mark(8, 20 * NANO)), last_ns=30 * NANO)
"""Two lines marked, one after them."""
LOG = b"one\ntwo\nthree\n"
MARKS = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), max_size=20).map(
    lambda steps: tuple(
        Mark(sum(it[0] for it in steps[: n + 1]), sum(it[1] for it in steps[: n + 1]))
        for n in range(len(steps))
    )
)


def told(query: LogQuery, *pieces: bytes, since: int = 0) -> list[bytes]:
    """What is sent, piece by piece, of a log that grows so."""
    teller, start, out = Teller(query), 0, list[bytes]()
    for number, data in enumerate(pieces):
        lines = list(lines_of(data, start))
        if not number:
            lines = chosen(lines, TIMES, query=query, since=since)
        out.append(teller.tell(lines, TIMES))
        start += len(data)
    return out


def test_each_line_gets_the_time_of_the_first_mark_after_its_beginning() -> None:
    """What no mark covers was written last."""
    assert told(LogQuery(timestamps=True), LOG) == [
        b"1970-01-01T00:00:10.000000000Z one\n"
        b"1970-01-01T00:00:20.000000000Z two\n"
        b"1970-01-01T00:00:30.000000000Z three\n"
    ]
    assert told(LogQuery(), LOG) == [LOG]


def test_a_line_that_comes_in_pieces_is_stamped_once() -> None:
    """Where it begins."""
    first, second, third = told(LogQuery(timestamps=True, follow=True), b"on", b"e\ntw", b"o\n")
    assert first == b"1970-01-01T00:00:10.000000000Z on"
    assert second == b"e\n1970-01-01T00:00:20.000000000Z tw"
    assert third == b"o\n"


def test_young_lines_then_the_last_of_them_then_so_many_bytes() -> None:
    """Times count as bytes."""
    assert told(LogQuery(), LOG, since=15 * NANO) == [b"two\nthree\n"]
    assert told(LogQuery(tail_lines=1), LOG, since=15 * NANO) == [b"three\n"]
    assert told(LogQuery(tail_lines=0), LOG) == [b""]
    assert told(LogQuery(limit_bytes=5), LOG, b"more") == [b"one\nt", b""]
    assert told(LogQuery(limit_bytes=5, timestamps=True), LOG) == [b"1970-"]
    teller = Teller(LogQuery(limit_bytes=2))
    teller.tell([Line(0, b"abc")], TIMES)
    assert teller.is_full
    assert not Teller(LogQuery()).is_full


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"\xff"])).map(b"".join), st.integers(0, 99))
def test_lines_are_the_log(data: bytes, start: int) -> None:
    """Nothing is lost or added; each begins where it stands, and only the last may have no end."""
    lines = list(lines_of(data, start))
    assert b"".join(it.text for it in lines) == data
    assert all(data[it.start - start :].startswith(it.text) for it in lines)
    assert all(it.text.endswith(b"\n") for it in lines[:-1])
    assert all(it.text.count(b"\n") <= 1 and it.text for it in lines)


@given(MARKS, st.integers(0, 1200))
def test_times_never_run_backwards_and_thinning_only_makes_them_later(
    marks: tuple[Mark, ...], offset: int
) -> None:
    """The last mark stays."""
    whole = Times(marks, last_ns=10_000)
    fewer = Times(thinned(marks), last_ns=10_000)
    assert whole.at(offset) <= whole.at(offset + 1)
    assert whole.at(offset) <= fewer.at(offset)
    assert thinned(marks)[-1:] == marks[-1:]
    assert len(thinned(marks)) == (len(marks) + 1) // 2


@given(MARKS, st.integers(0, 300), st.integers(0, 300))
def test_cutting_a_log_moves_its_marks(marks: tuple[Mark, ...], cut: int, offset: int) -> None:
    """What is left has the times it had."""
    before, after = Times(marks, last_ns=9), Times(shifted(marks, cut), last_ns=9)
    assert after.at(offset) == before.at(offset + cut)


@given(MARKS, st.integers(0, 15))
def test_marks_are_read_as_written(marks: tuple[Mark, ...], more: int) -> None:
    """A half written one is none."""
    assert read_marks(write_marks(marks) + bytes(more)) == marks


def test_queries_are_read_as_the_api_server_writes_them() -> None:
    """Booleans, numbers and times as text; what we do not know is passed over."""
    query = parse_query(
        {"follow": "true", "tailLines": "5", "timestamps": "true", "insecure": "x", "sinceTime": "2026-11-24T23:00:00Z"}
    )  # fmt: skip
    assert (query.follow, query.tail_lines, query.previous, query.timestamps) == (True, 5, False, True)  # fmt: skip
    since_s = datetime(2026, 11, 24, 23, tzinfo=UTC).timestamp()
    assert since_ns(query, 0.0) == int(since_s) * NANO
    assert since_ns(parse_query({"sinceSeconds": "40"}), 100.0) == 60 * NANO
    assert since_ns(LogQuery(), 100.0) == 0


def test_a_stamp_has_nine_digits() -> None:
    """As a container runtime writes it."""
    assert stamp(1_764_028_800_000_000_042) == "2025-11-25T00:00:00.000000042Z"
