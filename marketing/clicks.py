"""Clicks: accepted only once the broker holds them; behaviour, never a person.

A click that was raised comes to the private instance of this service and may hold anything in `note`; it is
kept there as it is, on the private broker. No value is ever logged or repeated in an answer.
"""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Protocol

import msgspec
from aiohttp import web

from contracts.control import ControlReply, ControlRequest
from contracts.events import ClickEvent
from marketing.bodies import decode_body, read_body
from marketing.kafka import DeliveryError, open_topic
from marketing.options import Options
from marketing.problems import ProblemError
from marketing.serving import Service, no_operations

BODY_BYTES_MAX = 65536
"""What the policy of the demo inspects; a longer public click would have been raised already."""

RETRY_AFTER_S = 1

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
EpochMs = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


class Click(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A click as a client posts it, JSON or form; `event_id` is the client's and survives retries."""

    event_id: Name
    ad: Name
    campaign: Name
    occurred_ms: EpochMs
    note: Annotated[str, msgspec.Meta(max_length=32768)] = ""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of 202."""

    event_id: str


class Topic(Protocol):
    """Where clicks go; `send` returns when the record is durable, else raises `DeliveryError`."""

    async def send(self, key: str, value: bytes) -> None:
        """Write one record; records of one key keep their order."""
        ...


def event_of(click: Click, *, site: str, node: str, accepted_ms: int) -> ClickEvent:
    """The record the warehouse will see."""
    return ClickEvent(
        event_id=click.event_id,
        ad=click.ad,
        campaign=click.campaign,
        site=site,
        node=node,
        accepted_ms=accepted_ms,
        occurred_ms=click.occurred_ms,
        note=click.note,
    )


class Clicks:
    """POST /clicks; `wall_ms` reads the wall clock."""

    def __init__(self, topic: Topic, options: Options, wall_ms: Callable[[], int]) -> None:
        self._topic = topic
        self._site = options.site
        self._node = options.name
        self._wall_ms = wall_ms

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The resources of this service."""
        return [web.post("/clicks", self.accept)]

    async def accept(self, request: web.Request) -> web.Response:
        """202 once the broker acknowledged; 400, 413, 415 for what is no click, 503 while it cannot."""
        body = await read_body(request, BODY_BYTES_MAX)
        click = decode_body(request.content_type, body, Click)
        event = event_of(click, site=self._site, node=self._node, accepted_ms=self._wall_ms())
        try:
            await self._topic.send(click.ad, msgspec.json.encode(event))
        except DeliveryError as error:
            detail = "the broker did not acknowledge the click in time; send it again"
            raise ProblemError(503, detail, retry_after_s=RETRY_AFTER_S) from error
        answer = msgspec.json.encode(Accepted(event_id=click.event_id))
        return web.Response(body=answer, status=202, content_type="application/json")

    async def control(self, request: ControlRequest) -> ControlReply:
        """Nothing to operate."""
        return await no_operations(request)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def open_clicks(options: Options) -> AsyncGenerator[Service]:
    """The service with its topic; raises `ConnectionError` without a broker or topic."""
    async with open_topic(options.kafka, options.topic) as topic:
        yield Clicks(topic, options, _wall_ms)
