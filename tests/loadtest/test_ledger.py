import psycopg
import pytest

from contracts.history import LedgerRow
from loadtest.ledger import rows_of_run
from marketing.ledger import TABLES

ROWS = [
    LedgerRow(key="run_a-k", order_id="00000000-0000-0000-0000-000000000001", body_sha="s1"),
    LedgerRow(key="run_a-k", order_id="00000000-0000-0000-0000-000000000002", body_sha="s2"),
    LedgerRow(key="run_b-k", order_id="00000000-0000-0000-0000-000000000003", body_sha="s3"),
    LedgerRow(key="runxa-k", order_id="00000000-0000-0000-0000-000000000004", body_sha="s4"),
]


@pytest.mark.engines
def test_only_the_rows_of_the_run_are_read(postgres_dsn):
    """The ledger's own tables, read by prefix: other runs stay out, and no character is a wildcard."""
    with psycopg.connect(postgres_dsn) as connection:
        for table in TABLES:
            connection.execute(table)
        connection.execute("DELETE FROM orders WHERE idempotency_key LIKE 'run%'")
        for row in ROWS:
            connection.execute(
                "INSERT INTO orders (order_id, idempotency_key, body_sha, body) VALUES (%s, %s, %s, '{}')",
                (row.order_id, row.key, row.body_sha),
            )
    found = rows_of_run(postgres_dsn, key_prefix="run_a-")
    assert sorted(found, key=lambda row: row.order_id) == ROWS[:2]


def test_an_empty_prefix_is_refused():
    """Nobody reads every run's orders by accident."""
    with pytest.raises(ValueError, match="key_prefix"):
        rows_of_run("dbname=none", key_prefix="")


def test_an_absent_server_is_an_error(tmp_path):
    """A ledger that cannot be read is never taken for an empty one."""
    with pytest.raises(psycopg.OperationalError):
        rows_of_run(f"host={tmp_path} dbname=ledger connect_timeout=2", key_prefix="run-")
