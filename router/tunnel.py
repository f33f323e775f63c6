"""Private WebSockets as byte tunnels: after the service's 101 bytes pass both ways unread.

A tunnel goes only to sites that may hold sensitive data, whatever its route says. When a newer policy or
topology no longer lets it go where it goes, it is closed.
"""

import asyncio
from typing import Protocol, cast

from aiohttp import web

from policy.model import Verdict
from router.balance import choose
from router.client import Answered, Client
from router.egress import Outlet
from router.forward import UNAVAILABLE, Delivered
from router.framing import NO_BODY, response_head
from router.health import Event
from router.job import Job, World
from router.reply import Reply
from router.upstream import Connection, UpstreamError

RECHECK_S = 2.0
"""How often open tunnels are held against the newest policy; the promise is 5 s."""


class _Upgradable(Protocol):
    def set_parser(self, parser: object) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class _FromClient:
    """What aiohttp feeds client bytes into once the connection is a tunnel."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Called for each segment."""
        self.waiting.put_nowait(data)
        return False, b""

    def feed_eof(self) -> None:
        """Called when the client is gone."""
        self.waiting.put_nowait(b"")


class Tunnels:
    """Opens tunnels and closes those that a swap forbids."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open: dict[Connection, tuple[Job, Outlet]] = {}

    def __len__(self) -> int:
        return len(self._open)

    async def open(self, job: Job, client: Client, request: web.BaseRequest) -> Answered:
        """Carry one tunnel until either side ends it; without a 101 the answer is an ordinary one."""
        world = self._world
        dialled = await self._dial(job)
        client.close_after()
        if dialled is None:
            world.ledger.forwarded(
                job.generation.policy.digest, _verdict(job), site="", status=UNAVAILABLE.status
            )
            job.settled = True
            return client.problem(UNAVAILABLE.status, UNAVAILABLE.code, retry_after_s=1)
        delivered, outlet = dialled
        reply, connection = delivered.reply, delivered.connection
        try:
            world.ledger.forwarded(
                job.generation.policy.digest,
                _verdict(job),
                site=delivered.member.site,
                status=reply.status,
            )
            job.settled = True
            if reply.tail is None:
                if reply.complete:
                    return client.whole(reply)
                return await client.stream(reply, connection, idle_s=world.limits.idle_s)
            self._open[connection] = (job, outlet)
            await self._carry(client, request, reply, connection=connection)
            return Answered(keep_alive=False)
        finally:
            self._open.pop(connection, None)
            delivered.member.outstanding -= 1
            connection.abort()

    async def _dial(self, job: Job) -> tuple[Delivered, Outlet] | None:
        """Ask one endpoint after the other until one answers at all.

        A swap may come while connecting or while the service thinks: both are followed by another look.
        """
        world = self._world
        tried: set[str] = set()
        while (egress := job.egress()) is not None:
            choice = choose(
                egress, world.fleet, tried=tried, last_resort_sites=(), only_site=None,
                admit=lambda _outlet: False, rng=world.rng,
            )  # fmt: skip
            if choice is None or choice.endpoint.address in tried or not choice.outlet.trusted:
                return None
            tried.add(choice.endpoint.address)
            job.site = choice.outlet.site
            member = world.fleet.member(choice.outlet.site, choice.endpoint)
            if member is None:
                continue
            try:
                connection = await member.pool.connect(world.limits.connect_s)
            except UpstreamError:
                world.fleet.failed(member, Event.REFUSED)
                continue
            if not job.still_allows(choice.outlet):
                connection.abort()
                continue
            reply = Reply(world.loop, job.inbound.head.method, hold=False, hold_bytes_max=0)
            connection.send(job.payload(choice.outlet, upgrade=b"websocket"), reply)
            await reply.wait(world.limits.total_s)
            if not job.still_allows(choice.outlet):
                connection.abort()
                continue
            if reply.failure is None and (reply.final or reply.tail is not None):
                member.outstanding += 1
                return Delivered(member, connection, reply), choice.outlet
            connection.abort()
            world.fleet.failed(member, Event.FAILED if reply.failure else Event.TIMED_OUT)
        return None

    async def _carry(
        self, client: Client, request: web.BaseRequest, reply: Reply, *, connection: Connection
    ) -> None:
        to_client: asyncio.Queue[bytes] = asyncio.Queue()
        from_client = _FromClient()
        connection.tunnel_to(to_client.put_nowait)
        head = response_head(
            101,
            reply.reason,
            reply.headers,
            framing=NO_BODY,
            connection=b"Upgrade\r\nUpgrade: websocket",
        )
        client.raw(head + (reply.tail or b""))
        upgradable = cast("_Upgradable", request.protocol)
        upgradable.set_parser(from_client)

        async def down() -> None:
            while data := await to_client.get():
                connection.pause_reading()
                client.raw(data)
                await client.drained()
                connection.resume_reading()

        async def up() -> None:
            while data := await from_client.waiting.get():
                connection.write(data)
                if connection.writing_paused:
                    upgradable.pause_reading()
                    await connection.drained()
                    upgradable.resume_reading()

        tasks = [self._world.loop.create_task(way()) for way in (down, up)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def recheck(self) -> None:
        """Close tunnels the newest policy forbids, for ever."""
        while True:
            await asyncio.sleep(RECHECK_S)
            self.close_forbidden()

    def close_forbidden(self) -> None:
        """Close tunnels that the newest policy would not open where they are."""
        for connection, (job, outlet) in list(self._open.items()):
            if not job.still_allows(outlet):
                connection.abort()

    def close(self) -> None:
        """Close all of them."""
        for connection in list(self._open):
            connection.abort()


def _verdict(job: Job) -> Verdict:
    if job.verdict is None:
        raise RuntimeError("a tunnel is opened after its verdict")
    return job.verdict
