"""A few PostgreSQL connections shared by a service: lent one at a time, replaced when broken."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import LiteralString

import psycopg

from marketing.problems import ProblemError

CONNECTIONS = 4
"""A ledger commit takes about 2 ms: four connections carry 2,000 orders a second."""

CONNECT_S_MAX = 5
BORROW_S_MAX = 3.0
"""Longer than any healthy queue; past it the client is better served by 503."""

LOCK_S_MAX = 2
"""How long a request waits for another one with the same key to commit."""

Connection = psycopg.AsyncConnection[tuple[object, ...]]


class DatabaseUnavailableError(ProblemError):
    """No connection, or it was lost under way: a 503. The client may repeat what is idempotent."""

    def __init__(self, why: str) -> None:
        super().__init__(503, f"{why}; try again", retry_after_s=1)


class Database:
    """Lends connections in autocommit mode; `transaction()` on one makes a unit of work."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._idle: list[Connection] = []
        self._slots = asyncio.Semaphore(CONNECTIONS)

    @contextlib.asynccontextmanager
    async def borrow(self) -> AsyncGenerator[Connection]:
        """A working connection; raises `DatabaseUnavailableError` when none can be had."""
        try:
            await asyncio.wait_for(self._slots.acquire(), BORROW_S_MAX)
        except TimeoutError as error:
            raise DatabaseUnavailableError("every connection is busy") from error
        try:
            connection = await self._take()
            try:
                yield connection
            except psycopg.errors.LockNotAvailable:
                raise
            except psycopg.OperationalError as error:
                raise DatabaseUnavailableError("the database connection was lost") from error
            finally:
                await self._give_back(connection)
        finally:
            self._slots.release()

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
        try:
            return await psycopg.AsyncConnection.connect(
                self._dsn,
                autocommit=True,
                connect_timeout=CONNECT_S_MAX,
                options=f"-c lock_timeout={LOCK_S_MAX}s",
            )
        except psycopg.Error as error:
            raise DatabaseUnavailableError("the database does not answer") from error

    async def _give_back(self, connection: Connection) -> None:
        # A connection that is mid-transaction here lost its request; nobody may inherit its work.
        if connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE:
            self._idle.append(connection)
        else:
            await connection.close()

    async def create(self, *statements: LiteralString) -> None:
        """Run idempotent DDL, one service at a time on this database."""
        async with self.borrow() as connection, connection.transaction():
            # CREATE … IF NOT EXISTS races with itself; the lock ends with the transaction.
            await connection.execute("SELECT pg_advisory_xact_lock(4711)")
            for statement in statements:
                await connection.execute(statement)

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            await self._idle.pop().close()


@contextlib.asynccontextmanager
async def open_database(dsn: str, *tables: LiteralString) -> AsyncGenerator[Database]:
    """A database whose `tables` exist; raises `ConnectionError` when it does not answer."""
    database = Database(dsn)
    try:
        try:
            await database.create(*tables)
        except DatabaseUnavailableError as error:
            raise ConnectionError(f"postgresql: {error}") from error
        yield database
    finally:
        await database.close()
