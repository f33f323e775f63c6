"""Answers of Prometheus and rows of the warehouse become minutes, or an error that says why not."""

import datetime as dt
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from autoscale.forecast.readings import (
    GAP_MIN,
    MINUTES_MAX,
    POINTS_MAX,
    ReadingError,
    minutes_of,
    of_rows,
    range_queries,
    samples_of,
)


def answer(*series: list[tuple[int, str]]) -> bytes:
    result = [{"metric": {}, "values": values} for values in series]
    return json.dumps(
        {"status": "success", "data": {"resultType": "matrix", "result": result}}
    ).encode()


def test_a_long_time_is_asked_in_pieces_without_overlap() -> None:
    """Each query stays below Prometheus' limit, and together they cover every minute once."""
    urls = range_queries("http://p:9090/", "sum(rate(x[1m]))", since_s=0, until_s=25_000 * 60)
    minutes: list[int] = []
    for url in urls:
        assert url.startswith("http://p:9090/api/v1/query_range?")
        asked = {key: value[0] for key, value in parse_qs(urlsplit(url).query).items()}
        begin, end = int(asked["start"]), int(asked["end"])
        assert (end - begin) // 60 < POINTS_MAX
        minutes += range(begin // 60, end // 60 + 1)
    assert minutes == list(range(25_000))


def test_series_are_added_and_rates_become_minutes() -> None:
    """Two pods of 2 and 3 a second are 300 a minute; NaN counts as no sample."""
    body = answer([(60, "2"), (120, "NaN")], [(60, "3")])
    assert samples_of(body, "p") == {1: 300.0}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>", "no answer of query_range"),
        (b'{"status":"error","error":"parse error"}', "parse error"),
        (b'{"status":"success","data":{"resultType":"vector","result":[]}}', "instead of a matrix"),
        (answer([(60, "many")]), "'many' is no number"),
    ],
)
def test_an_answer_that_is_none_is_refused(body: bytes, says: str) -> None:
    """Each names what Prometheus said or what was expected."""
    with pytest.raises(ReadingError, match=says):
        samples_of(body, "p")


def test_short_gaps_are_bridged_and_long_ones_refused() -> None:
    """A missed scrape keeps the last value; hours without one are no history."""
    start, demand = minutes_of({10: 5.0, 13: 7.0}, "p")
    assert start == dt.datetime(1970, 1, 1, 0, 10, tzinfo=dt.UTC)
    assert demand.tolist() == [5, 5, 5, 7]
    with pytest.raises(ReadingError, match="begin the history after it"):
        minutes_of({10: 5.0, 10 + GAP_MIN + 5: 7.0}, "p")
    with pytest.raises(ReadingError, match="no sample at all"):
        minutes_of({}, "p")


def test_only_the_last_weeks_are_kept() -> None:
    """History older than the baseline looks back is cut."""
    _, demand = minutes_of(dict.fromkeys(range(MINUTES_MAX + 500), 1.0), "p")
    assert len(demand) == MINUTES_MAX


def test_minutes_without_a_row_had_no_event() -> None:
    """The warehouse counts what happened: nothing is zero, up to now."""
    start, demand = of_rows([(100, 4), (102, 6)], until_s=105 * 60)
    assert start == dt.datetime(1970, 1, 1, 1, 40, tzinfo=dt.UTC)
    assert demand.tolist() == [4, 0, 6, 0, 0]
    with pytest.raises(ReadingError, match="no event at all"):
        of_rows([], until_s=600)
