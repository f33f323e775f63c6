"""The order ledger: an order and the key it came under are one transaction, or there is neither.

With the key's row inserted first, a second request with the same key waits on PostgreSQL's unique index
until the first commits, then finds the stored answer: at most one order per key, whoever races.
"""

import uuid

import msgspec
import psycopg

from marketing.database import Connection, Database

TABLES = (
    """CREATE TABLE IF NOT EXISTS orders (
        order_id uuid PRIMARY KEY,
        idempotency_key text NOT NULL,
        body_sha text NOT NULL,
        body jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )""",
    """CREATE TABLE IF NOT EXISTS idempotency (
        key text PRIMARY KEY,
        body_sha text NOT NULL,
        order_id uuid NOT NULL,
        status smallint NOT NULL,
        response text NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS payments (
        order_id uuid PRIMARY KEY REFERENCES orders,
        paid_at timestamptz NOT NULL DEFAULT now()
    )""",
)

CREATED = 201


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order to be placed; `body_sha` is the SHA-256 (hex) of the body with content encoding undone."""

    key: str
    body_sha: str
    body: str


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """The order is in the ledger; `replayed` when an earlier request of this key put it there."""

    status: int
    response: str
    replayed: bool


class OtherBody(msgspec.Struct, frozen=True):
    """This key has been used for a different body."""


class InFlight(msgspec.Struct, frozen=True):
    """Another request with this key has been at work longer than we wait."""


class NotStorable(msgspec.Struct, frozen=True):
    """PostgreSQL cannot hold this body (a NUL in a string, a number out of range)."""


Outcome = Placed | OtherBody | InFlight | NotStorable


def response_of(order_id: uuid.UUID) -> str:
    """The answer to a new order, as stored for replays."""
    return msgspec.json.encode({"order_id": order_id, "status": "placed"}).decode()


class Ledger:
    """Orders in PostgreSQL; `idempotent` false is the negative control (a repeated key orders again)."""

    def __init__(self, database: Database, *, idempotent: bool) -> None:
        self._database = database
        self.idempotent = idempotent

    async def place(self, order: Order, order_id: uuid.UUID) -> Outcome:
        """Commit `order` under `order_id`, or say what its key already stands for."""
        try:
            async with self._database.borrow() as connection, connection.transaction():
                if self.idempotent and not await _claim(connection, order, order_id):
                    return await _stored(connection, order)
                await connection.execute(
                    "INSERT INTO orders (order_id, idempotency_key, body_sha, body) VALUES (%s, %s, %s, %s)",
                    (order_id, order.key, order.body_sha, order.body),
                )
        except psycopg.errors.LockNotAvailable:
            return InFlight()
        except psycopg.DataError:
            return NotStorable()
        return Placed(status=CREATED, response=response_of(order_id), replayed=False)

    async def find(self, order_id: uuid.UUID) -> str | None:
        """The order's JSON, or None."""
        async with self._database.borrow() as connection:
            cursor = await connection.execute(
                "SELECT jsonb_build_object('order_id', order_id, 'order', body, 'paid', p.paid_at IS NOT NULL)::text"
                " FROM orders LEFT JOIN payments p USING (order_id) WHERE order_id = %s",
                (order_id,),
            )
            row = await cursor.fetchone()
        return None if row is None else str(row[0])

    async def pay(self, order_id: uuid.UUID) -> bool | None:
        """True for the first payment, False for a repeated one, None when there is no such order."""
        async with self._database.borrow() as connection:
            try:
                cursor = await connection.execute(
                    "INSERT INTO payments (order_id) VALUES (%s) ON CONFLICT DO NOTHING",
                    (order_id,),
                )
            except psycopg.errors.ForeignKeyViolation:
                return None
        return cursor.rowcount == 1


async def _claim(connection: Connection, order: Order, order_id: uuid.UUID) -> bool:
    cursor = await connection.execute(
        "INSERT INTO idempotency (key, body_sha, order_id, status, response) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (key) DO NOTHING",
        (order.key, order.body_sha, order_id, CREATED, response_of(order_id)),
    )
    return cursor.rowcount == 1


async def _stored(connection: Connection, order: Order) -> Placed | OtherBody:
    cursor = await connection.execute(
        "SELECT body_sha, status, response FROM idempotency WHERE key = %s", (order.key,)
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("idempotency: a row that was in the way is gone; keys are never deleted")
    body_sha, status, response = row
    if body_sha != order.body_sha:
        return OtherBody()
    return Placed(status=int(str(status)), response=str(response), replayed=True)
