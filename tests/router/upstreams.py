"""A service that says exactly the bytes it is told to."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from tests.router.harness import until


class Script:
    """Answers each request head with the next of `answers`; None closes, empty says nothing."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.got = b""
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.ended = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while self.answers:
                self.got += await reader.readuntil(b"\r\n\r\n")
                answer = self.answers.pop(0)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
            else:
                await reader.read()
        writer.close()
        self.ended += 1


@contextlib.asynccontextmanager
async def scripted(*answers: bytes | None) -> AsyncGenerator[tuple[Script, int]]:
    script = Script(*answers)
    server = await asyncio.start_server(script.serve, "127.0.1.30", 0)
    try:
        yield script, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in script.writers:
            writer.transport.abort()
        await until(lambda: script.ended == script.connections)
        await server.wait_closed()
