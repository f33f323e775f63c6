"""The idle connections of one endpoint, last in, first out, and how more are opened."""

import asyncio

from router.reply import Reply
from router.retry import Failure
from router.upstream import Connection, Inspector, UpstreamError

IDLE_S_MAX = 15.0
"""Below every server's keep-alive in use here, so that a request seldom meets a closing connection."""
IDLE_MAX = 128
"""Idle connections kept per endpoint; more than a worker's share of a public class never returns at once."""


class Pool:
    """The idle connections of one endpoint (last in, first out) and how to open more."""

    def __init__(
        self, host: str, port: int, *, source_address: str, guard: Inspector | None
    ) -> None:
        self._host = host
        self._port = port
        self._local = (source_address, 0) if source_address else None
        self._guard = guard
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._retired = False

    def __repr__(self) -> str:
        return f"<Pool {self._host}:{self._port} {len(self._idle)} idle, {len(self._all)} open>"

    def take(self) -> Connection | None:
        """The connection used last, if one is idle."""
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection
        return None

    async def connect(self, timeout_s: float) -> Connection:
        """A new connection. Raises `UpstreamError` UNSENT."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._guard, self._lost),
                    self._host,
                    self._port,
                    local_addr=self._local,
                )
        except (OSError, TimeoutError) as error:
            silent = isinstance(error, TimeoutError)
            raise UpstreamError(Failure.UNSENT, silent=silent) from error
        self._all.add(connection)
        return connection

    def give_back(self, connection: Connection, reply: Reply, now_s: float) -> None:
        """Keep a connection for the next request when its answer was whole and allows it, else close it."""
        if (
            reply.complete
            and reply.keep_alive
            and connection.reusable
            and not self._retired
            and len(self._idle) < IDLE_MAX
        ):
            connection.idle_since_s = now_s
            self._idle.append(connection)
        else:
            connection.abort()

    def trim(self, now_s: float) -> None:
        """Close what has been idle for too long."""
        old = [c for c in self._idle if now_s - c.idle_since_s > IDLE_S_MAX]
        if old:
            self._idle = [c for c in self._idle if now_s - c.idle_since_s <= IDLE_S_MAX]
            for connection in old:
                connection.abort()

    def close(self) -> None:
        """Close every connection, idle or not."""
        self._idle.clear()
        for connection in list(self._all):
            connection.abort()

    def retire(self) -> None:
        """Close the idle ones; those with a request on them end with it and are not kept."""
        self._retired = True
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.abort()

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
