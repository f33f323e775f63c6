"""Ads: a JSON document of a chosen size, the same for the same slot on every node.

The creative is letters only: an ad that happened to look like a phone number would be a false alarm.
"""

import functools
import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from contracts.control import ControlReply, ControlRequest
from marketing.options import Options
from marketing.problems import ProblemError
from marketing.serving import Service, no_operations

SIZE_BYTES_DEFAULT = 1024
SIZE_BYTES_MIN = 256
"""The smallest document that holds every field of an ad."""

SIZE_BYTES_MAX = 1 << 20
SLOT_CHARS_MAX = 128
INVENTORY = 64
"""Distinct ads; few enough that their documents stay cached."""


class Ad(msgspec.Struct, frozen=True, kw_only=True):
    """One ad as answered; `creative` pads the document to the size asked for."""

    slot: int
    ad: str
    campaign: str
    creative: str


@functools.lru_cache(maxsize=4 * INVENTORY)
def ad_document(slot: int, size_bytes: int) -> bytes:
    """The JSON of the ad in `slot` (0 to 63), exactly `size_bytes` long."""
    letters = hashlib.sha256(b"creative %d" % slot).digest()
    word = bytes(ord("a") + byte % 26 for byte in letters).decode()
    ad = Ad(slot=slot, ad=f"ad-{word[:8]}", campaign=f"campaign-{word[8:12]}", creative="")
    missing = size_bytes - len(msgspec.json.encode(ad))
    padding = (word * (missing // len(word) + 1))[:missing]
    return msgspec.json.encode(msgspec.structs.replace(ad, creative=padding))


def slot_of(text: str) -> int:
    """The inventory slot a name falls into; stable over processes and versions."""
    return hashlib.sha256(text.encode()).digest()[0] % INVENTORY


def size_of(text: str | None) -> int:
    """The document size in bytes asked for; raises `ProblemError` 400."""
    if text is None:
        return SIZE_BYTES_DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) <= 7):
        raise ProblemError(400, "size: expected a number of bytes")
    size = int(text)
    if not SIZE_BYTES_MIN <= size <= SIZE_BYTES_MAX:
        raise ProblemError(400, f"size: expected {SIZE_BYTES_MIN} to {SIZE_BYTES_MAX} bytes")
    return size


class Ads:
    """GET /ads and anything below it."""

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The resources of this service."""
        return [web.get("/ads", self.show), web.get("/ads/{rest:.*}", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        """Answer with the ad of the slot (`slot`, else the path below /ads)."""
        slot = request.query.get("slot", request.match_info.get("rest", ""))
        if len(slot) > SLOT_CHARS_MAX:
            raise ProblemError(400, f"slot: expected at most {SLOT_CHARS_MAX} characters")
        document = ad_document(slot_of(slot), size_of(request.query.get("size")))
        return web.Response(body=document, content_type="application/json")

    async def control(self, request: ControlRequest) -> ControlReply:
        """Nothing to operate."""
        return await no_operations(request)


@asynccontextmanager
async def open_ads(_options: Options) -> AsyncGenerator[Service]:
    """The service; it holds nothing that needs closing."""
    yield Ads()
