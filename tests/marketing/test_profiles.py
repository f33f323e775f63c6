"""Twin of marketing/profiles.py; HTTP over a real PostgreSQL."""

import uuid
from collections.abc import AsyncGenerator

import aiohttp
import pytest

from contracts.control import ControlRequest
from marketing.profiles import open_profiles
from tests.marketing.doors import client_of, options_for

pytestmark = pytest.mark.engines
PROFILE = {"phone": "none given", "address": "1 Lakeside Road"}


@pytest.fixture
async def client(postgres_dsn: str) -> AsyncGenerator[aiohttp.ClientSession]:
    options = options_for("profiles", dsn=postgres_dsn)
    async with open_profiles(options) as service, client_of(service, options) as session:
        assert not (await service.control(ControlRequest(op="stats"))).ok
        yield session


async def test_a_profile_is_written_replaced_and_read(client: aiohttp.ClientSession) -> None:
    """404 before, 201 for a new one, 200 for a replacement, the last one read back."""
    path = f"/profiles/{uuid.uuid4()}"
    async with client.get(path) as got:
        assert got.status == 404
    async with client.put(path, json=PROFILE) as got:
        assert got.status == 201
    async with client.put(path, json=PROFILE | {"address": "2 Lakeside Road"}) as got:
        assert got.status == 200
    async with client.get(path) as got:
        assert await got.json() == PROFILE | {
            "id": path.removeprefix("/profiles/"),
            "address": "2 Lakeside Road",
        }


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/profiles/a", {}, 400),
        ("/profiles/a", PROFILE | {"more": 1}, 400),
        ("/profiles/a", PROFILE | {"phone": "\0"}, 400),
        ("/profiles/a%20b", PROFILE, 400),
        ("/profiles/" + "a" * 65, PROFILE, 400),
        ("/profiles/a", PROFILE | {"address": "a" * 20_000}, 413),
    ],
)
async def test_what_is_no_profile_is_refused(
    client: aiohttp.ClientSession, path: str, body: object, status: int
) -> None:
    """Bad ids and bad bodies are refused without being repeated."""
    async with client.put(path, json=body) as got:
        assert got.status == status
        assert got.content_type == "application/problem+json"
