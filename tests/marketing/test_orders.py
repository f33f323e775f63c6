"""Twin of marketing/orders.py; HTTP over a real ledger."""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import aiohttp
import msgspec
import pytest

from contracts.control import ControlReply, ControlRequest
from contracts.orders import OrdersStats
from marketing.database import open_database
from marketing.ledger import TABLES, Ledger
from marketing.orders import IDEMPOTENCY_KEY, REPLAYED, Orders, open_orders, order_of
from marketing.problems import ProblemError
from tests.marketing.doors import client_of, options_for

JSON = {"Content-Type": "application/json"}


@dataclass
class Shop:
    """The service and a client of it."""

    orders: Orders
    client: aiohttp.ClientSession

    async def order(self, key: str, body: object = None) -> tuple[int, object, str]:
        headers = {IDEMPOTENCY_KEY: key}
        async with self.client.post("/orders", json=body or {"sku": "a"}, headers=headers) as got:
            return got.status, await got.json(), got.headers.get(REPLAYED, "")


@pytest.fixture
async def shop(postgres_dsn: str) -> AsyncGenerator[Shop]:
    async with open_database(postgres_dsn, *TABLES) as database:
        orders = Orders(Ledger(database, idempotent=True), uuid.uuid4)
        async with client_of(orders, options_for("orders")) as client:
            yield Shop(orders, client)


def drop(**args: float) -> ControlRequest:
    return ControlRequest(op="drop_responses", args=args)


def stats_in(reply: ControlReply) -> OrdersStats:
    assert reply.ok, reply.error
    return msgspec.json.decode(reply.data, type=OrdersStats)


@pytest.mark.engines
async def test_an_order_is_placed_replayed_shown_and_paid(shop: Shop) -> None:
    """201, the same answer marked as replayed, the order by its id, its payment twice."""
    key = str(uuid.uuid4())
    status, first, replayed = await shop.order(key)
    assert (status, replayed) == (201, "")
    assert await shop.order(key) == (201, first, "true")
    order_id = first["order_id"]
    async with shop.client.get(f"/orders/{order_id}") as got:
        assert (await got.json())["order"] == {"sku": "a"}
    for expected in (201, 200):
        async with shop.client.post(f"/pay/{order_id}") as got:
            assert got.status == expected


@pytest.mark.engines
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/orders/x"), ("GET", f"/orders/{uuid.uuid4()}"), ("POST", f"/pay/{uuid.uuid4()}")],
)
async def test_an_unknown_order_is_404(shop: Shop, method: str, path: str) -> None:
    """Ids that are none, and ids nobody has, are answered alike."""
    async with shop.client.request(method, path) as got:
        assert got.status == 404


@pytest.mark.engines
async def test_a_key_is_needed_and_binds_to_one_body(shop: Shop) -> None:
    """No key, two keys and an empty key are 400; another body under a known key is 422."""
    for headers in ([], [(IDEMPOTENCY_KEY, "a"), (IDEMPOTENCY_KEY, "b")], [(IDEMPOTENCY_KEY, "")]):
        async with shop.client.post("/orders", json={}, headers=headers) as got:
            assert got.status == 400
    key = str(uuid.uuid4())
    await shop.order(key)
    status, _, _ = await shop.order(key, {"sku": "other"})
    assert status == 422
    assert shop.orders.stats().conflicts == 1


@pytest.mark.engines
async def test_a_dropped_answer_was_committed_and_the_retry_hears_it(shop: Shop) -> None:
    """With every answer dropped once, the connection dies, and the same key then replays the order."""
    assert stats_in(await shop.orders.control(drop(share=1.0, seed=7, attempts=1))).drop_share == 1
    key = str(uuid.uuid4())
    with pytest.raises(aiohttp.ClientError):
        await shop.order(key)
    status, answer, replayed = await shop.order(key)
    assert (status, replayed) == (201, "true")
    assert uuid.UUID(answer["order_id"])
    healed = stats_in(await shop.orders.control(drop(share=0.0)))
    assert (healed.dropped, healed.committed, healed.replayed) == (1, 1, 1)
    status, _, _ = await shop.order(str(uuid.uuid4()))
    assert status == 201


@pytest.mark.engines
@pytest.mark.parametrize("args", [{}, {"share": 2.0}, {"share": "x"}, {"share": 0.1, "more": 1}])
async def test_wrong_drop_arguments_are_refused_and_change_nothing(
    shop: Shop, args: dict[str, float]
) -> None:
    """The reply says what was expected and nothing is armed."""
    reply = await shop.orders.control(ControlRequest(op="drop_responses", args=args))
    assert not reply.ok
    assert reply.error
    assert shop.orders.stats().drop_share == 0
    assert not (await shop.orders.control(ControlRequest(op="cut"))).ok


@pytest.mark.engines
async def test_a_body_the_ledger_cannot_hold_is_400(shop: Shop) -> None:
    """A NUL in a string is refused in words, not by a crash."""
    status, problem, _ = await shop.order(str(uuid.uuid4()), {"sku": "\0"})
    assert (status, problem["status"]) == (400, 400)


@pytest.mark.engines
async def test_the_command_line_switch_turns_idempotency_off(postgres_dsn: str) -> None:
    """`--without-idempotency` orders twice under one key and says so in its stats."""
    options = options_for("orders", dsn=postgres_dsn, without_idempotency=True)
    async with open_orders(options) as service, client_of(service, options) as client:
        ids: set[str] = set()
        for _ in range(2):
            headers = {IDEMPOTENCY_KEY: "same"}
            async with client.post("/orders", json={"a": 1}, headers=headers) as got:
                ids.add((await got.json())["order_id"])
        assert len(ids) == 2
        assert stats_in(await service.control(ControlRequest(op="stats"))).idempotency is False


@pytest.mark.engines
async def test_many_orders_at_once_all_get_their_answer(shop: Shop) -> None:
    """More concurrent orders than connections wait their turn; none is refused."""
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(shop.order(str(uuid.uuid4())) for _ in range(64)))
    assert {status for status, _, _ in answers} == {201}


@pytest.mark.parametrize("body", [b"", b"[]", b'"a"', b"{", b'{"a":"\xff"}', b"null"])
def test_only_a_json_object_is_an_order(body: bytes) -> None:
    """Anything else is 400."""
    with pytest.raises(ProblemError) as refused:
        order_of("k", body)
    assert refused.value.status == 400


def test_the_digest_is_of_the_bytes_as_sent() -> None:
    """Two spellings of the same JSON are different bodies."""
    one, other = order_of("k", b'{"a":1}'), order_of("k", b'{"a": 1}')
    assert one.body_sha != other.body_sha
    assert json.loads(one.body) == json.loads(other.body)
