"""A bounded pool of keep-alive connections to one door; requests beyond it wait in order.

No decision of the plan depends on it: a request that waits for a connection is late, and counted so.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable

from loadtest.connection import Connection, Exchange


class Pool:
    """At most `connections_max` connections to one door; requests beyond that wait in order."""

    def __init__(  # noqa: PLR0913 - what a pool is, by name
        self,
        loop: asyncio.AbstractEventLoop,
        clock_ns: Callable[[], int],
        *,
        address: str,
        connections_max: int,
        connect_s: float,
        trust_ns: int = 0,
        keep_alive: bool = True,
    ) -> None:
        """`trust_ns`: an idle connection is looked at before use unless its last answer is younger.

        Without `keep_alive` every request has a connection of its own.
        """
        host, _, port = address.rpartition(":")
        self._loop = loop
        self._address = (host, int(port))
        self._max = connections_max
        self._connect_s = connect_s
        self._trust_ns = trust_ns
        self._keep_alive = keep_alive
        self.connects = self.refused = 0
        self._idle: list[Connection] = []
        self._waiting: deque[Exchange] = deque()
        self._open = 0
        self._opening = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections: set[Connection] = set()
        self._empty = asyncio.Event()
        self._clock_ns = clock_ns

    def now_ns(self) -> int:
        """The clock sends are stamped with."""
        return self._clock_ns()

    def submit(self, exchange: Exchange) -> None:
        """Send now on an idle connection, else as soon as one is free or opened."""
        while self._idle:
            connection = self._idle.pop()
            young = self._trust_ns and self._clock_ns() - connection.free_ns < self._trust_ns
            if (young and not connection.closed) or connection.usable():
                connection.send(exchange)
                return
            connection.abort()
        self._waiting.append(exchange)
        self._open_if_needed()

    def release(self, connection: Connection) -> None:
        """A connection finished its exchange: the longest waiting request takes it."""
        if self._keep_alive:
            self._give(connection)
        else:
            connection.abort()

    def _give(self, connection: Connection) -> None:
        exchange = self._next_waiting() if self._waiting else None
        if exchange is not None:
            connection.send(exchange)
            return
        if self._trust_ns:
            connection.free_ns = self._clock_ns()
        self._idle.append(connection)

    @property
    def open(self) -> int:
        """Connections open or being opened."""
        return self._open

    def forget(self, connection: Connection) -> None:
        """A connection is gone; whoever waits may need another in its place."""
        self._open -= 1
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
        if self._idle and connection in self._idle:
            self._idle.remove(connection)
        self._open_if_needed()

    async def close(self) -> None:
        """Close every connection and wait until none is being opened."""
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._connections):
            connection.abort()
        if self._connections:
            await self._empty.wait()

    def _next_waiting(self) -> Exchange | None:
        while self._waiting:
            exchange = self._waiting.popleft()
            if not exchange.done:
                return exchange
        return None

    def _open_if_needed(self) -> None:
        while self._waiting and self._waiting[0].done:
            self._waiting.popleft()
        if self._open < self._max and self._opening < len(self._waiting):
            self._open += 1
            self._opening += 1
            task = self._loop.create_task(self._open_one())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open_one(self) -> None:
        try:
            connection = await self._connect()
        except OSError:
            self._opening -= 1
            self._open -= 1
            self.refused += 1
            # One refusal answers one request, the oldest: it has waited for exactly this connection.
            exchange = self._next_waiting()
            if exchange is not None:
                exchange.end("refused")
            self._open_if_needed()
            return
        except asyncio.CancelledError:
            self._opening -= 1
            self._open -= 1
            raise
        self._opening -= 1
        self.connects += 1
        if connection.closed:
            return
        self._connections.add(connection)
        self._empty.clear()
        self._give(connection)

    async def _connect(self) -> Connection:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(self._connect_s):
                await self._loop.sock_connect(sock, self._address)
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self, sock), sock=sock
                )
        except BaseException:
            sock.close()
            raise
        return connection
