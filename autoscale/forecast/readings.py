"""Histories as the two places that keep them answer: Prometheus' query_range and the warehouse; pure.

Both become requests per whole minute. A minute Prometheus has no sample for is filled from the one before it, for at most
GAP_MIN; a longer gap is an error, because a forecast from invented traffic is worse than none.
"""

import datetime as dt
from collections.abc import Iterable
from urllib.parse import urlencode

import msgspec
import numpy as np
from numpy.typing import NDArray

MINUTE_S = 60
POINTS_MAX = 10_000
"""Prometheus refuses more than 11,000 points per series and query."""
GAP_MIN = 180
MINUTES_MAX = 35 * 1440
"""What the baseline looks back on; more history is cut."""

WAREHOUSE = """
select (occurred_ms / 60000)::bigint as minute, count(*)::bigint as events
from events where occurred_ms >= %(since_ms)s and occurred_ms < %(until_ms)s
group by 1 order by 1
"""
"""Events per minute by when they occurred, from the bridge's `events` table."""


class ReadingError(Exception):
    """A history that cannot be used; the message says what was expected and what to do."""


class _Series(msgspec.Struct, frozen=True):
    values: tuple[tuple[float, str], ...] = ()


class _Data(msgspec.Struct, frozen=True):
    result: tuple[_Series, ...] = ()
    resultType: str = "matrix"  # noqa: N815 - Prometheus' own word


class _Answer(msgspec.Struct, frozen=True):
    status: str
    data: _Data = _Data()
    error: str = ""


def range_queries(base: str, query: str, *, since_s: int, until_s: int) -> list[str]:
    """The addresses to ask, in order of time; `query` gives requests per second, `since_s` a whole minute."""
    found: list[str] = []
    for begin in range(since_s, until_s, POINTS_MAX * MINUTE_S):
        end = min(begin + (POINTS_MAX - 1) * MINUTE_S, until_s - MINUTE_S)
        asked = urlencode({"query": query, "start": begin, "end": end, "step": MINUTE_S})
        found.append(f"{base.rstrip('/')}/api/v1/query_range?{asked}")
    return found


def samples_of(body: bytes, where: str) -> dict[int, float]:
    """Requests in each minute (since the epoch) from one answer; several series are added up."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError as wrong:
        raise ReadingError(f"{where}: no answer of query_range: {wrong}") from None
    if answer.status != "success":
        raise ReadingError(f"{where}: Prometheus says: {answer.error or answer.status}")
    if answer.data.resultType != "matrix":
        raise ReadingError(
            f"{where}: {answer.data.resultType} instead of a matrix; ask query_range"
        )
    found: dict[int, float] = {}
    for series in answer.data.result:
        for at_s, value in series.values:
            rate = _number(value, where)
            if rate is not None:
                minute = int(at_s // MINUTE_S)
                found[minute] = found.get(minute, 0.0) + rate * MINUTE_S
    return found


def minutes_of(samples: dict[int, float], where: str) -> tuple[dt.datetime, NDArray[np.float64]]:
    """The start (UTC) and requests per minute, gaps filled; raises `ReadingError` on a long gap or nothing."""
    if not samples:
        raise ReadingError(f"{where}: no sample at all; check the query and the time")
    first, last = max(min(samples), max(samples) + 1 - MINUTES_MAX), max(samples)
    demand, gap, before = np.zeros(last - first + 1), 0, samples.get(first, 0.0)
    for index in range(len(demand)):
        value = samples.get(first + index)
        gap = 0 if value is not None else gap + 1
        if gap > GAP_MIN:
            at = dt.datetime.fromtimestamp((first + index) * MINUTE_S, dt.UTC)
            raise ReadingError(
                f"{where}: no sample for {GAP_MIN} minutes up to {at:%Y-%m-%dT%H:%MZ}; begin the history after it"
            )
        before = before if value is None else value
        demand[index] = before
    return dt.datetime.fromtimestamp(first * MINUTE_S, dt.UTC), demand


def of_rows(
    rows: Iterable[tuple[int, int]], *, until_s: int
) -> tuple[dt.datetime, NDArray[np.float64]]:
    """The same from WAREHOUSE's rows; a minute without a row had no event."""
    counts = dict(rows)
    if not counts:
        raise ReadingError("warehouse: no event at all; check the bridge and the time")
    until = until_s // MINUTE_S
    first = max(min(counts), until - MINUTES_MAX)
    demand = np.array([float(counts.get(minute, 0)) for minute in range(first, until)])
    return dt.datetime.fromtimestamp(first * MINUTE_S, dt.UTC), demand


def _number(text: str, where: str) -> float | None:
    """A sample; None for NaN and infinities, which a rate over nothing gives."""
    try:
        value = float(text)
    except ValueError:
        raise ReadingError(f"{where}: {text!r} is no number") from None
    return value if np.isfinite(value) and value >= 0 else None
