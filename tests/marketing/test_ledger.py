"""Twin of marketing/ledger.py, against a real PostgreSQL."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncGenerator

import psycopg
import pytest

from marketing import database as module
from marketing.database import open_database
from marketing.ledger import TABLES, InFlight, Ledger, NotStorable, Order, OtherBody, Placed

pytestmark = pytest.mark.engines


@pytest.fixture
async def ledger(postgres_dsn: str) -> AsyncGenerator[Ledger]:
    async with open_database(postgres_dsn, *TABLES) as database:
        yield Ledger(database, idempotent=True)


def order(body: str = '{"sku": "a"}', *, key: str = "") -> Order:
    sha = hashlib.sha256(body.encode()).hexdigest()
    return Order(key=key or str(uuid.uuid4()), body_sha=sha, body=body)


def rows_of(dsn: str, key: str) -> int:
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT 1 FROM orders WHERE idempotency_key = %s", (key,))
        return len(found.fetchall())


async def test_a_key_orders_once_and_replays_its_answer(ledger: Ledger, postgres_dsn: str) -> None:
    """The second request with the same key and body gets the first one's answer."""
    placed = order()
    first = await ledger.place(placed, uuid.uuid4())
    second = await ledger.place(placed, uuid.uuid4())
    assert isinstance(first, Placed)
    assert isinstance(second, Placed)
    assert (first.replayed, second.replayed) == (False, True)
    assert (first.status, first.response) == (second.status, second.response)
    assert rows_of(postgres_dsn, placed.key) == 1


async def test_the_same_key_with_another_body_is_refused(ledger: Ledger, postgres_dsn: str) -> None:
    """A reused key writes nothing."""
    placed = order()
    await ledger.place(placed, uuid.uuid4())
    assert await ledger.place(order('{"sku": "b"}', key=placed.key), uuid.uuid4()) == OtherBody()
    assert rows_of(postgres_dsn, placed.key) == 1


async def test_racing_requests_of_one_key_make_one_order(ledger: Ledger, postgres_dsn: str) -> None:
    """Whoever wins, all are answered with the one order's id."""
    placed = order()
    outcomes = await asyncio.gather(*(ledger.place(placed, uuid.uuid4()) for _ in range(12)))
    answers = {outcome.response for outcome in outcomes if isinstance(outcome, Placed)}
    assert len(answers) == 1
    assert rows_of(postgres_dsn, placed.key) == 1


async def test_a_key_in_flight_elsewhere_is_said_so(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another transaction holds the key longer than the bound, the outcome is InFlight."""
    monkeypatch.setattr(module, "LOCK_S_MAX", "100m")  # with its unit suffix: 100ms
    placed = order()
    async with open_database(postgres_dsn, *TABLES) as database:
        ledger = Ledger(database, idempotent=True)
        with psycopg.connect(postgres_dsn) as other:
            other.execute(
                "INSERT INTO idempotency VALUES (%s, %s, %s, 201, '')",
                (placed.key, placed.body_sha, uuid.uuid4()),
            )
            assert await ledger.place(placed, uuid.uuid4()) == InFlight()
            other.rollback()
        assert isinstance(await ledger.place(placed, uuid.uuid4()), Placed)


async def test_without_the_mechanism_a_key_orders_twice(postgres_dsn: str) -> None:
    """The negative control is really off: the same key leaves two rows."""
    placed = order()
    async with open_database(postgres_dsn, *TABLES) as database:
        ledger = Ledger(database, idempotent=False)
        await ledger.place(placed, uuid.uuid4())
        await ledger.place(placed, uuid.uuid4())
    assert rows_of(postgres_dsn, placed.key) == 2


@pytest.mark.parametrize("body", [r'{"sku": "\u0000"}', '{"n": 1e999999}'])
async def test_a_body_postgresql_cannot_hold_leaves_nothing(
    ledger: Ledger, postgres_dsn: str, body: str
) -> None:
    """A body jsonb refuses is said so, and its key stays free."""
    bad = order(body)
    assert await ledger.place(bad, uuid.uuid4()) == NotStorable()
    assert rows_of(postgres_dsn, bad.key) == 0
    assert isinstance(await ledger.place(order(key=bad.key), uuid.uuid4()), Placed)


async def test_an_order_is_found_and_paid_once(ledger: Ledger) -> None:
    """A found order shows its body; the first payment is told from a repeated one."""
    order_id = uuid.uuid4()
    assert await ledger.find(order_id) is None
    assert await ledger.pay(order_id) is None
    await ledger.place(order(), order_id)
    assert await ledger.pay(order_id) is True
    assert await ledger.pay(order_id) is False
    found = await ledger.find(order_id)
    assert found is not None
    assert json.loads(found) == {"order_id": str(order_id), "order": {"sku": "a"}, "paid": True}
