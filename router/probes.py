"""Active checks: each endpoint is asked `GET /healthz` again and again over a connection of the probe's own.

A kept connection shows a death at once (it closes); a fresh one shows whether the endpoint still accepts.
"""

import asyncio
import random

from contracts.settings import RouterLimits
from router.fleet import Fleet, Member
from router.health import Event
from router.reply import Reply
from router.retry import Failure
from router.upstream import Connection, UpstreamError

ANSWER_BYTES_MAX = 4096
"""A health answer is a line; more than 4 KiB of it is not read."""


class Prober:
    """Keeps one task per endpoint of the fleet."""

    def __init__(self, fleet: Fleet, limits: RouterLimits, *, rng: random.Random) -> None:
        self._fleet = fleet
        self._limits = limits
        self._rng = rng
        self._tasks: dict[int, tuple[Member, asyncio.Task[None]]] = {}

    def sync(self) -> None:
        """Start and stop tasks so that there is one for each member of the fleet as it is now."""
        loop = asyncio.get_running_loop()
        members = {id(member): member for member in self._fleet}
        for key in [key for key in self._tasks if key not in members]:
            self._tasks.pop(key)[1].cancel()
        for key, member in members.items():
            if key not in self._tasks:
                delay_s = self._rng.uniform(0, self._limits.health_interval_s)
                self._tasks[key] = (member, loop.create_task(self._watch(member, delay_s)))

    async def close(self) -> None:
        """Stop all tasks."""
        tasks = [task for _, task in self._tasks.values()]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, member: Member, delay_s: float) -> None:
        request = (
            f"GET /healthz HTTP/1.1\r\nHost: {member.endpoint.address}\r\n"
            "User-Agent: isthmus-router\r\n\r\n"
        ).encode()
        connection: Connection | None = None
        await asyncio.sleep(delay_s)
        try:
            while True:
                connection = await self._probe(member, request, connection)
                await asyncio.sleep(self._limits.health_interval_s)
        finally:
            if connection is not None:
                connection.abort()

    async def _probe(
        self, member: Member, request: bytes, connection: Connection | None
    ) -> Connection | None:
        """One probe; returns the connection to use next."""
        if connection is not None and connection.reusable:
            reply = await self._ask(connection, request)
            if reply.failure is None or reply.timed_out:
                return self._note(member, connection, reply)
            # The kept connection died under the probe: only a fresh one tells whether the endpoint did.
        try:
            connection = await member.pool.connect(self._limits.health_timeout_s)
        except UpstreamError as error:
            event = Event.PROBE_FAILED if error.silent else Event.PROBE_REFUSED
            self._fleet.probed(member, event, silent=error.silent)
            return None
        return self._note(member, connection, await self._ask(connection, request))

    async def _ask(self, connection: Connection, request: bytes) -> Reply:
        loop = asyncio.get_running_loop()
        reply = Reply(loop, "GET", hold=True, hold_bytes_max=ANSWER_BYTES_MAX)
        try:
            connection.send(request, reply)
            await reply.wait(self._limits.health_timeout_s)
        except UpstreamError as error:
            reply.fail(error.failure)
        except asyncio.CancelledError:
            connection.abort()
            raise
        return reply

    def _note(self, member: Member, connection: Connection, reply: Reply) -> Connection | None:
        if reply.failure is Failure.LOST or reply.failure is Failure.UNSENT:
            self._fleet.probed(member, Event.PROBE_REFUSED)
        elif reply.complete and reply.status == 200:
            self._fleet.probed(member, Event.PROBE_OK)
            if reply.keep_alive and connection.reusable:
                return connection
        else:
            self._fleet.probed(member, Event.PROBE_FAILED, silent=not reply.final)
        connection.abort()
        return None
