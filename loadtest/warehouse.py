"""Reads a run's clicks from the warehouse: the adapter beside `check_events`."""

import psycopg

from loadtest.check_events import EventRow


def rows_of_run(dsn: str, *, run: str) -> list[EventRow]:
    """Every warehouse row whose event id starts with the run's name. Raises `psycopg.Error`."""
    query = """
        SELECT event_id, extract(epoch FROM committed_at) * 1000 - accepted_ms
        FROM events WHERE starts_with(event_id, %s)
    """
    with psycopg.connect(dsn) as connection:
        return [
            EventRow(event_id=str(event_id), latency_ms=float(latency_ms))
            for event_id, latency_ms in connection.execute(query, (run,))
        ]


def count_of_run(dsn: str, *, run: str) -> int:
    """How many distinct events of the run are in the warehouse. Raises `psycopg.Error`."""
    query = "SELECT count(DISTINCT event_id) FROM events WHERE starts_with(event_id, %s)"
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query, (run,)).fetchone()
    return int(row[0]) if row else 0
