"""Twin of marketing/database.py, against a real PostgreSQL."""

import asyncio

import psycopg
import pytest

from marketing import database as module
from marketing.database import CONNECTIONS, DatabaseUnavailableError, open_database

pytestmark = pytest.mark.engines


async def test_no_more_connections_than_the_bound_are_lent(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all lent, the next borrower hears 503 after the bound, and gets one once it is back."""
    monkeypatch.setattr(module, "BORROW_S_MAX", 0.1)
    async with open_database(postgres_dsn) as database, asyncio.timeout(20):
        lent = [database.borrow() for _ in range(CONNECTIONS)]
        held = [await borrowed.__aenter__() for borrowed in lent]
        assert len({connection.info.backend_pid for connection in held}) == CONNECTIONS
        with pytest.raises(DatabaseUnavailableError) as refused:
            async with database.borrow():
                pass
        assert refused.value.status == 503
        for borrowed in lent:
            await borrowed.__aexit__(None, None, None)
        async with database.borrow() as again:
            assert again in held


async def test_a_connection_lost_under_way_is_503_and_replaced(postgres_dsn: str) -> None:
    """The borrower whose server process is gone hears 503; the next one gets a new connection."""
    async with open_database(postgres_dsn) as database:
        lost: list[int] = []

        async def lose_it() -> None:
            async with database.borrow() as connection:
                lost.append(connection.info.backend_pid)
                with psycopg.connect(postgres_dsn, autocommit=True) as other:
                    other.execute("SELECT pg_terminate_backend(%s, 5000)", lost)
                await connection.execute("SELECT 1")

        with pytest.raises(DatabaseUnavailableError):
            await lose_it()
        async with database.borrow() as connection:
            assert connection.info.backend_pid not in lost
            await connection.execute("SELECT 1")


async def test_unfinished_work_is_not_inherited(postgres_dsn: str) -> None:
    """A connection given back inside a transaction is closed, not lent again."""
    async with open_database(postgres_dsn) as database:
        async with database.borrow() as connection:
            await connection.execute("BEGIN")
        assert connection.closed


async def test_services_that_start_together_create_their_tables_once(postgres_dsn: str) -> None:
    """Concurrent creation of the same table does not collide."""
    table = "CREATE TABLE IF NOT EXISTS started_together (n int)"

    async def start() -> None:
        async with open_database(postgres_dsn, table):
            pass

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(start())


async def test_no_server_is_a_connection_error() -> None:
    """Nobody listens: the start fails as an environment error."""
    with pytest.raises(ConnectionError, match="postgresql"):
        async with open_database("host=/nonexistent dbname=none"):
            pass
