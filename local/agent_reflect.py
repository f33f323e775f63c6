"""Keep a mapping equal to a collection of the API: list, watch, bookmarks, 410, back-off."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Generic, TypeVar

import msgspec
import structlog

from local.agent_api import Api, ApiError, HasMeta
from local.agent_objects import Meta

BACK_OFF_FIRST_S, BACK_OFF_MAX_S = 0.1, 5.0
GONE = 410
_log = structlog.stdlib.get_logger()

T = TypeVar("T", bound=HasMeta)


class _Bookmark(msgspec.Struct, frozen=True):
    metadata: Meta


class _Status(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class Reflector(Generic[T]):
    """One collection by uid. `synced` is set after the first list; `items` stays as last known while the API is away."""

    def __init__(
        self, api: Api, path: str, kind: type[T], *, selector: str, changed: Callable[[], None]
    ) -> None:
        self._api, self._path, self._kind = api, path, kind
        self._params = {"fieldSelector": selector} if selector else dict[str, str]()
        self._changed = changed
        self._version = ""
        self.items: Mapping[str, T] = {}
        self.synced = asyncio.Event()

    async def run(self, rng: random.Random) -> None:
        """Follow the collection until cancelled."""
        wait_s = BACK_OFF_FIRST_S
        while True:
            try:
                await self.list_anew()
                wait_s = BACK_OFF_FIRST_S
                while await self.follow():
                    pass
            except ApiError as error:
                _log.warning("agent.watch", path=self._path, error=str(error))
            except msgspec.MsgspecError as error:
                _log.error("agent.undecodable", path=self._path, error=str(error))
            await asyncio.sleep(wait_s * rng.uniform(0.5, 1.5))
            wait_s = min(BACK_OFF_MAX_S, wait_s * 2)

    async def list_anew(self) -> None:
        """List the collection. Raises `ApiError`."""
        self.items, self._version = await self._api.list(
            self._path, self._kind, params=self._params
        )
        self.synced.set()
        self._changed()

    async def follow(self) -> bool:
        """One watch to its end; False when the collection must be listed anew. Raises `ApiError`."""
        params = {**self._params, "resourceVersion": self._version}
        try:
            async with aclosing(self._api.watch(self._path, params=params)) as events:
                async for event in events:
                    self._apply(event.type, event.object)
        except ApiError as error:
            if error.status == GONE:
                return False
            raise
        return True

    def _apply(self, kind: str, raw: msgspec.Raw) -> None:
        if kind == "ERROR":
            status = msgspec.json.decode(raw, type=_Status)
            raise ApiError(status.code, status.message)
        if kind == "BOOKMARK":
            self._version = msgspec.json.decode(raw, type=_Bookmark).metadata.resource_version
            return
        item = msgspec.json.decode(raw, type=self._kind)
        self._version = item.metadata.resource_version
        after = dict(self.items)
        if kind == "DELETED":
            after.pop(item.metadata.uid, None)
        else:
            after[item.metadata.uid] = item
        self.items = after
        self._changed()
