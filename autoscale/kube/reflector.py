"""Keeps a store as the API server has it: list, watch with bookmarks, list anew on 410, back off on failure."""

import random
import threading
from typing import NamedTuple, Protocol

import msgspec

from autoscale.kube.ports import (
    GONE,
    NOT_FOUND,
    Ask,
    RefusedError,
    Status,
    Transport,
    UnreachableError,
    checked,
)
from autoscale.kube.resources import Resource
from autoscale.kube.store import Kept, Store

PAGE = 500
ANSWER_S = 30.0
SILENCE_S = 90.0
"""A living server sends a bookmark about once a minute; longer silence is a connection that is half open."""
WATCH_S = (240, 480)
"""Watches end by themselves in this range, drawn so that they do not all end together."""
BACKOFF_S, BACKOFF_S_MAX = 0.2, 30.0
ABSENT_S = 60.0
"""So often a kind that the server does not know is asked for again."""
SHORT_S = 1.0
"""A watch that ended sooner without a word counts as a failure: otherwise it would be asked for without pause."""


class Clock(Protocol):
    """A clock that only goes forward."""

    def monotonic(self) -> float:
        """Seconds."""
        ...


class Pace(NamedTuple):
    """By which clock and draws; `optional` is a kind that a cluster may not have; `silence_s` is half open."""

    clock: Clock
    chance: random.Random
    optional: bool = False
    silence_s: float = SILENCE_S


class _Page(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(name="continue", default="")


class _List(msgspec.Struct, frozen=True):
    metadata: _Page
    items: tuple[msgspec.Raw, ...] = ()


class _Event(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


class _Bookmark(msgspec.Struct, frozen=True):
    metadata: _Page


class RelistError(Exception):
    """The place to go on from is gone; a new list is needed."""


class Reflector:
    """One kind's; `run` in a thread of its own, or `list_once` by hand."""

    def __init__(
        self, transport: Transport, resource: Resource, store: Store[Kept], *, pace: Pace
    ) -> None:
        self._transport, self._resource, self._store = transport, resource, store
        self._clock, self._chance = pace.clock, pace.chance
        self._optional, self._silence_s = pace.optional, pace.silence_s
        self.failures = 0
        self.relists = 0
        self.error = ""

    def run(self, stop: threading.Event) -> None:
        """Until `stop`; whatever fails is tried again after a growing while."""
        version, failed = "", 0
        while not stop.is_set():
            try:
                version = version or self.list_once()
                began_s = self._clock.monotonic()
                version, heard = self._watch(version, stop)
                self.error = ""
                short = not heard and self._clock.monotonic() - began_s < SHORT_S
                failed = failed + 1 if short else 0
            except (RelistError, msgspec.MsgspecError) as error:
                version, failed = "", failed + 1
                self._note(error)
            except RefusedError as error:
                # whatever it was, a new list is a sure footing; a kind that is not there has none
                version, failed = "", failed + 1
                self._note(error)
                if error.status == NOT_FOUND and self._optional:
                    self._store.replace(())
                    stop.wait(ABSENT_S)
                    failed = 0
                else:
                    stop.wait(error.retry_after_s)
            except UnreachableError as error:
                failed += 1
                self._note(error)
            if failed:
                stop.wait(self._pause_s(failed))

    def _note(self, error: Exception) -> None:
        self.failures += 1
        self.error = str(error)

    def _pause_s(self, failed: int) -> float:
        top = min(BACKOFF_S_MAX, BACKOFF_S * 2 ** min(failed - 1, 10))
        return top * self._chance.uniform(0.5, 1.0)

    def list_once(self) -> str:
        """Take a whole list into the store; its version. Raises `RefusedError`, `UnreachableError`, `MsgspecError`."""
        items: list[bytes] = []
        query = {"limit": str(PAGE)}
        while True:
            ask = Ask(method="GET", path=self._resource.everywhere, query=query)
            try:
                body = checked(self._transport.ask(ask, timeout_s=ANSWER_S))
            except RefusedError as error:
                if error.status != GONE or "continue" not in query:
                    raise
                # the pages were compacted away while we read them: once more, in one piece
                items, query = [], {}
                continue
            found = msgspec.json.decode(body, type=_List)
            items += [bytes(item) for item in found.items]
            if not found.metadata.continue_:
                self._store.replace(items)
                self.relists += 1
                return found.metadata.resource_version
            query = {"limit": str(PAGE), "continue": found.metadata.continue_}

    def _watch(self, version: str, stop: threading.Event) -> tuple[str, bool]:
        """Follow from `version` until the server ends it; where to go on, and whether anything was said."""
        query = {
            "watch": "1", "allowWatchBookmarks": "true", "resourceVersion": version,
            "timeoutSeconds": str(self._chance.randint(*WATCH_S)),
        }  # fmt: skip
        heard = False
        lines = self._transport.watch(self._resource.everywhere, query, silence_s=self._silence_s)
        try:
            for line in lines:
                version, heard = self._take(line), True
                if stop.is_set():
                    break
        except RefusedError as error:
            if error.status == GONE:
                raise RelistError(str(error)) from error
            raise
        finally:
            close = getattr(lines, "close", None)
            if close is not None:
                close()
        return version, heard

    def _take(self, line: bytes) -> str:
        event = msgspec.json.decode(line, type=_Event)
        match event.type:
            case "ADDED" | "MODIFIED":
                self._store.put(bytes(event.object))
            case "DELETED":
                self._store.drop(bytes(event.object))
            case "BOOKMARK":
                pass
            case _:
                said = msgspec.json.decode(event.object, type=Status)
                raise RelistError(f"{said.code} {said.reason}: {said.message}")
        return msgspec.json.decode(event.object, type=_Bookmark).metadata.resource_version
