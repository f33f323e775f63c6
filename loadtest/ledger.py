"""Reads a run's orders from the ledger: the adapter beside `check_orders`."""

from typing import cast

import psycopg

from contracts.history import LedgerRow


def rows_of_run(dsn: str, *, key_prefix: str) -> list[LedgerRow]:
    """Every order whose idempotency key starts with `key_prefix`. Raises `psycopg.Error`.

    Other runs may share the ledger, so an empty prefix is refused with `ValueError`.
    """
    if not key_prefix:
        raise ValueError("key_prefix: empty, expected the run's name and a dash")
    query = """
        SELECT idempotency_key, order_id::text, body_sha FROM orders
        WHERE starts_with(idempotency_key, %s) ORDER BY created_at
    """
    with psycopg.connect(dsn) as connection:
        rows = cast(
            "list[tuple[str, str, str]]", connection.execute(query, (key_prefix,)).fetchall()
        )
    return [LedgerRow(key=key, order_id=order_id, body_sha=sha) for key, order_id, sha in rows]
