"""Reading a run's clicks from a real warehouse."""

import time

import psycopg
import pytest

from loadtest.warehouse import count_of_run, rows_of_run

pytestmark = pytest.mark.engines


def test_only_the_run_s_rows_are_read_each_as_often_as_it_is_there(postgres_dsn: str) -> None:
    """Other runs share the table; a duplicate row is a row, a distinct count is not."""
    now_ms = int(time.time() * 1000)
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA demo_rows")
        connection.execute(
            "CREATE TABLE demo_rows.events (event_id text, accepted_ms bigint,"
            " committed_at timestamptz DEFAULT clock_timestamp())"
        )
        for event_id in ("mine-a", "mine-b", "mine-b", "other-a"):
            connection.execute(
                "INSERT INTO demo_rows.events VALUES (%s, %s)", (event_id, now_ms - 50)
            )
        dsn = f"{postgres_dsn} options='-c search_path=demo_rows'"
        rows = rows_of_run(dsn, run="mine-")
        assert sorted(row.event_id for row in rows) == ["mine-a", "mine-b", "mine-b"]
        assert all(49 <= row.latency_ms < 60_000 for row in rows)
        assert count_of_run(dsn, run="mine-") == 2
        connection.execute("DROP SCHEMA demo_rows CASCADE")
