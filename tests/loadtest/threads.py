"""The shop of `doors` in a thread of its own, for tests of programs that have no loop."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from aiohttp import web

from tests.loadtest.doors import Shop, open_shop


def paying(request: web.Request) -> web.Response | None:
    """Payments are accepted; everything else as the shop does it."""
    if request.path.startswith("/pay/"):
        return web.json_response({"status": "paid"}, status=201)
    return None


@contextlib.contextmanager
def shop_in_thread() -> Iterator[tuple[Shop, str]]:
    """A running shop and its address."""
    ready, found = threading.Event(), {}

    async def serve() -> None:
        found["loop"], found["done"] = asyncio.get_running_loop(), asyncio.Event()
        async with open_shop() as (shop, address):
            found["shop"], found["address"] = shop, address
            shop.call = asyncio.get_running_loop().call_soon_threadsafe
            ready.set()
            await found["done"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    try:
        yield found["shop"], found["address"]
    finally:
        found["loop"].call_soon_threadsafe(found["done"].set)
        thread.join(10)
