"""Profiles: phone and address of a customer, the data the public cloud must never see."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
import psycopg
from aiohttp import web

from contracts.control import ControlReply, ControlRequest
from marketing.bodies import decode_body, read_body
from marketing.database import Database, open_database
from marketing.options import Options
from marketing.problems import ProblemError
from marketing.serving import Service, no_operations

BODY_BYTES_MAX = 16384

TABLE = """CREATE TABLE IF NOT EXISTS profiles (
    id text PRIMARY KEY,
    phone text NOT NULL,
    address text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
)"""

_PROFILE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

Text = Annotated[str, msgspec.Meta(max_length=1024)]


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client puts."""

    phone: Text
    address: Text


class StoredProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What a client gets."""

    id: str
    phone: str
    address: str


class Profiles:
    """GET and PUT /profiles/{id}."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The resources of this service."""
        return [web.get("/profiles/{id}", self.show), web.put("/profiles/{id}", self.put)]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The profile, or 404."""
        profile_id = _id_of(request)
        found = await self._find(profile_id)
        if found is None:
            raise ProblemError(404, "there is no such profile")
        return web.Response(body=msgspec.json.encode(found), content_type="application/json")

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Write the profile whole: 201 when new, 200 when replaced."""
        profile_id = _id_of(request)
        body = await read_body(request, BODY_BYTES_MAX)
        profile = decode_body(request.content_type, body, Profile)
        try:
            created = await self._write(profile_id, profile)
        except psycopg.DataError as error:
            raise ProblemError(400, "body: expected text without NUL characters") from error
        answer = msgspec.json.encode({"id": profile_id})
        return web.Response(
            body=answer, status=201 if created else 200, content_type="application/json"
        )

    async def _find(self, profile_id: str) -> StoredProfile | None:
        async with self._database.borrow() as connection:
            cursor = await connection.execute(
                "SELECT phone, address FROM profiles WHERE id = %s", (profile_id,)
            )
            row = await cursor.fetchone()
        if row is None:
            return None
        return StoredProfile(id=profile_id, phone=str(row[0]), address=str(row[1]))

    async def _write(self, profile_id: str, profile: Profile) -> bool:
        async with self._database.borrow() as connection:
            # xmax is 0 on a row version that no update made: the row is new.
            cursor = await connection.execute(
                "INSERT INTO profiles (id, phone, address) VALUES (%s, %s, %s) ON CONFLICT (id) DO UPDATE"
                " SET phone = excluded.phone, address = excluded.address, updated_at = now()"
                " RETURNING xmax = 0",
                (profile_id, profile.phone, profile.address),
            )
            row = await cursor.fetchone()
        return row is not None and row[0] is True

    async def control(self, request: ControlRequest) -> ControlReply:
        """Nothing to operate."""
        return await no_operations(request)


def _id_of(request: web.Request) -> str:
    profile_id = request.match_info["id"]
    if not _PROFILE_ID.fullmatch(profile_id):
        raise ProblemError(
            400, "profile id: expected 1 to 64 letters, digits, dots, dashes, underscores"
        )
    return profile_id


@asynccontextmanager
async def open_profiles(options: Options) -> AsyncGenerator[Service]:
    """The service with its table; raises `ConnectionError` without a database."""
    async with open_database(options.dsn, TABLE) as database:
        yield Profiles(database)
