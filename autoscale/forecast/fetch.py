"""Asks Prometheus or the warehouse for a workload's history; what the answers mean stands in `readings`."""

import datetime as dt

import numpy as np
import psycopg
import urllib3
from numpy.typing import NDArray
from urllib3.exceptions import HTTPError

from autoscale.forecast.readings import (
    MINUTE_S,
    MINUTES_MAX,
    WAREHOUSE,
    ReadingError,
    minutes_of,
    of_rows,
    range_queries,
    samples_of,
)

TIMEOUT_S = 30.0
"""A query over five weeks by the minute takes Prometheus seconds, not tens of them."""
CONNECT_S = 5
ANSWER_BYTES_MAX = 64 * 1024 * 1024

History = tuple[dt.datetime, NDArray[np.float64]]


def from_prometheus(base: str, query: str, *, until_s: int) -> History:
    """Requests per minute of the last five weeks; `query` gives requests per second. Raises `ReadingError`."""
    until = until_s // MINUTE_S * MINUTE_S
    pool = urllib3.PoolManager(retries=False)
    samples: dict[int, float] = {}
    try:
        for url in range_queries(
            base, query, since_s=until - MINUTES_MAX * MINUTE_S, until_s=until
        ):
            samples |= samples_of(_get(pool, url), base)
    finally:
        pool.clear()
    return minutes_of(samples, base)


def from_warehouse(dsn: str, *, until_s: int) -> History:
    """Events per minute of the last five weeks as the bridge committed them. Raises `ReadingError`."""
    until = until_s // MINUTE_S * MINUTE_S
    since_ms = (until - MINUTES_MAX * MINUTE_S) * 1000
    try:
        with psycopg.connect(dsn, connect_timeout=CONNECT_S) as connection:
            rows = connection.execute(WAREHOUSE, {"since_ms": since_ms, "until_ms": until * 1000})
            found = [(int(minute), int(events)) for minute, events in rows.fetchall()]
    except psycopg.Error as wrong:
        raise ReadingError(f"warehouse: {str(wrong).splitlines()[0]}") from None
    return of_rows(found, until_s=until)


def _get(pool: urllib3.PoolManager, url: str) -> bytes:
    try:
        answer = pool.request("GET", url, timeout=TIMEOUT_S, preload_content=False)
    except HTTPError as wrong:
        raise ReadingError(
            f"{url.split('?', maxsplit=1)[0]}: {wrong}; is Prometheus there?"
        ) from None
    try:
        body = answer.read(ANSWER_BYTES_MAX + 1)
    except HTTPError as wrong:
        raise ReadingError(f"{url.split('?', maxsplit=1)[0]}: {wrong}") from None
    finally:
        answer.release_conn()
        answer.close()
    if len(body) > ANSWER_BYTES_MAX:
        raise ReadingError(
            f"{url.split('?', maxsplit=1)[0]}: more than {ANSWER_BYTES_MAX} bytes; sum the query"
        )
    return body
