"""Request bodies: held up to a bound until the verdict is known, or pumped to a site that may hold them."""

import asyncio
from typing import Literal

from router.egress import Outlet
from router.framing import chunk
from router.job import Job
from router.reply import Reply
from router.upstream import Connection


class BodyBrokenError(Exception):
    """The client's body ended before its end, or was not framed as announced."""


class BodyLateError(Exception):
    """The client's body stood still for longer than `body_s`."""


class UploadWithdrawnError(Exception):
    """A swap forbade the site that a body was on its way to; what had not been sent is not sent."""


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


async def pump(job: Job, connection: Connection, reply: Reply, *, outlet: Outlet) -> None:
    """Send on what the client still sends, until its end or until the service has answered early.

    An answer that comes before the body's end stops the upload: the connection cannot be used again. Each
    piece goes only where the newest policy lets it. Raises `BodyBrokenError`, `BodyLateError` or
    `UploadWithdrawnError`.
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
            if not data and not chunked:
                return
            # The last chunk counts too: without it the service must not act on what it has.
            if not job.still_allows(outlet):
                raise UploadWithdrawnError
            connection.write(chunk(data) if chunked else data)
            if not data:
                return
            await connection.drained()
    finally:
        answered.cancel()
