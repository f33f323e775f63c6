"""Request bodies: held up to a bound until the verdict is known, or pumped to a site that may hold them."""

import asyncio
from typing import Literal

from router.framing import chunk
from router.job import Job
from router.reply import Reply
from router.upstream import Connection


class BodyBrokenError(Exception):
    """The client's body ended before its end, or was not framed as announced."""


class BodyLateError(Exception):
    """The client's body stood still for longer than `body_s`."""


Held = Literal["whole", "oversize", "late", "broken"]


async def hold(job: Job, bytes_max: int, *, timeout_s: float) -> Held:
    """Read into `job.body` until it ends or is over `bytes_max`; what was read stays there either way."""
    content = job.content
    if content.is_eof() and not job.body:
        job.body = content.read_nowait(-1)
        job.unread = False
        return "whole" if len(job.body) <= bytes_max else "oversize"
    parts = [job.body] if job.body else []
    size = len(job.body)
    held: Held = "oversize"
    try:
        async with asyncio.timeout(timeout_s):
            while size <= bytes_max:
                data = await content.readany()
                if not data:
                    job.unread = False
                    held = "whole"
                    break
                parts.append(data)
                size += len(data)
    except TimeoutError:
        held = "late"
    except Exception:  # noqa: BLE001 - whatever the parser raises for a bad body, it is unusable
        held = "broken"
    job.body = b"".join(parts)
    return held


async def pump(job: Job, connection: Connection, reply: Reply) -> None:
    """Send on what the client still sends, until its end or until the service has answered early.

    An answer that comes before the body's end stops the upload: the connection cannot be used again.
    """
    chunked = job.framing().chunked
    loop, limit_s = job.world.loop, job.world.limits.body_s
    answered = loop.create_task(reply.wait(job.world.limits.total_s))
    try:
        while True:
            reading = loop.create_task(job.content.readany())
            await asyncio.wait(
                (reading, answered), timeout=limit_s, return_when=asyncio.FIRST_COMPLETED
            )
            if not reading.done():
                reading.cancel()
                if not answered.done():
                    raise BodyLateError
                reply.keep_alive = False
                return
            try:
                data = reading.result()
            except Exception as error:
                raise BodyBrokenError from error
            if not data:
                break
            connection.write(chunk(data) if chunked else data)
            await connection.drained()
        if chunked:
            connection.write(chunk(b""))
    finally:
        answered.cancel()
