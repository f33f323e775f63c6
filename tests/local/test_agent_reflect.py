"""Following a collection: events, bookmarks, 410, an API that goes away."""

import asyncio
import contextlib
import random

from local.agent_objects import Pod
from local.agent_reflect import Reflector
from tests.local.agents import api_server, thing

PODS = "/api/v1/pods"


@contextlib.asynccontextmanager
async def following(*items):
    async with api_server() as (fake, api):
        fake.lists[PODS] = list(items)
        changed = asyncio.Event()
        reflector = Reflector(api, PODS, Pod, selector="spec.nodeName=n", changed=changed.set)
        task = asyncio.get_running_loop().create_task(reflector.run(random.Random(1)))
        try:
            async with asyncio.timeout(10):
                await reflector.synced.wait()
                yield fake, reflector, changed
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def until(changed: asyncio.Event, condition) -> None:
    while not condition():
        changed.clear()
        await changed.wait()


def names(reflector) -> set[str]:
    return {it.metadata.name for it in reflector.items.values()}


async def test_events_are_applied() -> None:
    """Added, modified, deleted; the watch begins where the list ended."""
    async with following(thing("a")) as (fake, reflector, changed):
        assert names(reflector) == {"a"}
        _, query = await fake.watches.get()
        assert (query["resourceVersion"], query["fieldSelector"]) == ("7", "spec.nodeName=n")
        fake.send("ADDED", thing("b", version="8"))
        await until(changed, lambda: names(reflector) == {"a", "b"})
        fake.send("MODIFIED", thing("b", version="9", status={"phase": "Running"}))
        await until(changed, lambda: reflector.items["uid-b"].status.phase == "Running")
        fake.send("DELETED", thing("a", version="10"))
        await until(changed, lambda: names(reflector) == {"b"})


async def test_a_watch_that_ended_goes_on_from_the_last_bookmark() -> None:
    """Without listing anew: a bookmark moves the version though nothing changed."""
    async with following(thing("a")) as (fake, _reflector, _changed):
        await fake.watches.get()
        fake.send("BOOKMARK", {"metadata": {"resourceVersion": "42"}})
        fake.end_watch()
        _, query = await fake.watches.get()
        assert query["resourceVersion"] == "42"
        assert fake.pages == [""]


async def test_410_lists_anew() -> None:
    """What was deleted while nobody watched is gone after it, whether 410 comes as an event or as a status."""
    async with following(thing("a"), thing("b")) as (fake, reflector, changed):
        await fake.watches.get()
        fake.lists[PODS] = [thing("b")]
        fake.send("ERROR", {"code": 410, "message": "too old"})
        await until(changed, lambda: names(reflector) == {"b"})


async def test_an_api_that_fails_leaves_what_was_known() -> None:
    """Stale, not empty: no pod is stopped because the API is away."""
    async with following(thing("a")) as (fake, reflector, changed):
        await fake.watches.get()
        fake.refusals["GET", PODS] = [500, 503, 410]
        fake.send("ERROR", {"code": 500, "message": "broken"})
        fake.end_watch()
        await fake.watches.get()
        assert names(reflector) == {"a"}
        assert len(fake.pages) == 2
        fake.send("ADDED", thing("b", version="8"))
        await until(changed, lambda: names(reflector) == {"a", "b"})
