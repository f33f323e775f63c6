"""A service of this folder, listening in this process, and a client inside its network."""

import asyncio
import contextlib
import ipaddress
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import aiohttp

from marketing.options import Options, ServiceKind
from marketing.serving import Service, listening

HOST = "127.0.4.1"
INSIDE = ipaddress.ip_network("127.0.4.0/24")


def options_for(service: ServiceKind, **changes: object) -> Options:
    given: dict[str, object] = {
        "service": service,
        "name": f"{service}-1",
        "site": "public",
        "host": HOST,
        "port": 0,
        "allow": (INSIDE,),
        "ready": Path("/nonexistent"),
    }
    return Options(**(given | changes))


@contextlib.asynccontextmanager
async def client_of(
    service: Service, options: Options, *, source: str = HOST
) -> AsyncGenerator[aiohttp.ClientSession]:
    """A client whose connections come from `source` and whose base is the service."""
    async with listening(options, service) as address:
        connector = aiohttp.TCPConnector(local_addr=(source, 0))
        async with aiohttp.ClientSession(f"http://{address}", connector=connector) as session:
            yield session


async def eventually(condition: Callable[[], object], *, within_s: float = 5.0) -> None:
    """Poll `condition`, in a thread, until it holds; fails after the deadline."""
    await asyncio.to_thread(_wait, condition, time.monotonic() + within_s)


def _wait(condition: Callable[[], object], deadline_s: float) -> None:
    while not condition():
        assert time.monotonic() < deadline_s, "not in time"
        time.sleep(0.01)
