"""Orders: one per idempotency key, however often the client asks and whatever is lost on the way back."""

import hashlib
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import assert_never

import msgspec
from aiohttp import web

from contracts.control import ControlReply, ControlRequest
from contracts.orders import OrdersStats
from marketing.bodies import read_body
from marketing.database import open_database
from marketing.drops import Drops, DropTally
from marketing.ledger import (
    TABLES,
    InFlight,
    Ledger,
    NotStorable,
    Order,
    OtherBody,
    Outcome,
    Placed,
)
from marketing.options import Options
from marketing.problems import ProblemError
from marketing.serving import Service
from runtime.control import refuse, reply_with

BODY_BYTES_MAX = 65536
KEY_CHARS_MAX = 128
RETRY_AFTER_S = 1
IDEMPOTENCY_KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"


class DropArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The arguments of `drop_responses`."""

    share: float
    seed: int = 0
    attempts: int = 1


class Orders:
    """POST /orders, GET /orders/{id}, POST /pay/{id}; `new_id` draws order ids."""

    def __init__(self, ledger: Ledger, new_id: Callable[[], uuid.UUID]) -> None:
        self._ledger = ledger
        self._new_id = new_id
        self._tally = DropTally()
        self._committed = 0
        self._replayed = 0
        self._conflicts = 0

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The resources of this service."""
        return [
            web.post("/orders", self.place),
            web.get("/orders/{order_id}", self.show),
            web.post("/pay/{order_id}", self.pay),
        ]

    async def place(self, request: web.Request) -> web.StreamResponse:
        """201 for a new order, 201 with `Idempotency-Replayed` for a known key, 422 for its reuse."""
        key = _key_of(request)
        order = order_of(key, await read_body(request, BODY_BYTES_MAX))
        outcome = await self._ledger.place(order, self._new_id())
        self._count(outcome)
        # Only a commit's answer is worth losing: the fault under test is "done, but the client cannot know".
        if isinstance(outcome, Placed) and self._tally.takes(key):
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("answer dropped on purpose")
        return _answer(outcome)

    def _count(self, outcome: Outcome) -> None:
        match outcome:
            case Placed(replayed=True):
                self._replayed += 1
            case Placed():
                self._committed += 1
            case OtherBody():
                self._conflicts += 1
            case InFlight() | NotStorable():
                pass
            case _:
                assert_never(outcome)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The order as it was placed."""
        found = await self._ledger.find(_order_id(request))
        if found is None:
            raise ProblemError(404, "there is no such order")
        return web.Response(body=found.encode(), content_type="application/json")

    async def pay(self, request: web.Request) -> web.StreamResponse:
        """201 for the first payment of an order, 200 for a repeated one."""
        order_id = _order_id(request)
        first = await self._ledger.pay(order_id)
        if first is None:
            raise ProblemError(404, "there is no such order")
        body = msgspec.json.encode({"order_id": order_id, "status": "paid"})
        return web.Response(
            body=body, status=201 if first else 200, content_type="application/json"
        )

    async def control(self, request: ControlRequest) -> ControlReply:
        """`stats`, and `drop_responses` with share, seed and attempts (share 0 heals)."""
        match request.op:
            case "stats":
                return reply_with(self.stats())
            case "drop_responses":
                try:
                    given = msgspec.convert(request.args, DropArguments)
                    self._tally.arm(
                        Drops(share=given.share, seed=given.seed, attempts=given.attempts)
                    )
                except (msgspec.ValidationError, ValueError) as error:
                    return refuse(f"drop_responses: {error}")
                return reply_with(self.stats())
            case _:
                return refuse("expected ping, stats or drop_responses")

    def stats(self) -> OrdersStats:
        """Counts since the start."""
        return OrdersStats(
            idempotency=self._ledger.idempotent,
            committed=self._committed,
            replayed=self._replayed,
            conflicts=self._conflicts,
            drop_share=self._tally.drops.share,
            drop_seed=self._tally.drops.seed,
            drop_attempts=self._tally.drops.attempts,
            dropped=self._tally.dropped,
        )


def order_of(key: str, body: bytes) -> Order:
    """The order in `body`, any JSON object (the tenant's shops differ); raises `ProblemError` 400."""
    try:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        text = body.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProblemError(400, "body: expected a JSON object") from error
    return Order(key=key, body_sha=hashlib.sha256(body).hexdigest(), body=text)


def _key_of(request: web.Request) -> str:
    keys = request.headers.getall(IDEMPOTENCY_KEY, [])
    if len(keys) != 1 or not 1 <= len(keys[0]) <= KEY_CHARS_MAX or not keys[0].isascii():
        raise ProblemError(
            400, f"{IDEMPOTENCY_KEY}: expected exactly one, 1 to {KEY_CHARS_MAX} characters"
        )
    return keys[0]


def _order_id(request: web.Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.match_info["order_id"])
    except ValueError as error:
        raise ProblemError(404, "there is no such order") from error


def _answer(outcome: Outcome) -> web.Response:
    match outcome:
        case Placed():
            response = web.Response(
                body=outcome.response.encode(),
                status=outcome.status,
                content_type="application/json",
            )
            if outcome.replayed:
                response.headers[REPLAYED] = "true"
            return response
        case OtherBody():
            raise ProblemError(422, f"{IDEMPOTENCY_KEY}: this key was used for another body")
        case InFlight():
            detail = f"{IDEMPOTENCY_KEY}: a request with this key is being processed"
            raise ProblemError(409, detail, retry_after_s=RETRY_AFTER_S)
        case NotStorable():
            raise ProblemError(
                400, "body: expected JSON without NUL characters and with ordinary numbers"
            )
        case _:
            assert_never(outcome)


@asynccontextmanager
async def open_orders(options: Options) -> AsyncGenerator[Service]:
    """The service with its ledger; raises `ConnectionError` without a database."""
    async with open_database(options.dsn, *TABLES) as database:
        ledger = Ledger(database, idempotent=not options.without_idempotency)
        yield Orders(ledger, uuid.uuid4)
