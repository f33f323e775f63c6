"""The way of one request: read, judge, admit, forward, record, answer; each step fails closed."""

import asyncio
import time

import structlog
from aiohttp import web

from policy.model import HoldBody, Reason, Sensitivity, UnreadBody, Verdict
from router import tunnel
from router.body import BodyBrokenError, BodyLateError, UploadWithdrawnError, hold
from router.client import Answered, Client, ClientGoneError, ServiceGoneError
from router.forward import MISDIRECTED, Delivered, Forwarder, Undelivered
from router.front import Door
from router.inbound import Fault, read_head
from router.job import Job, World
from router.ledger import CLIENT_GONE
from router.overload import RETRY_AFTER_S
from router.upstream import GuardBlockedError

log = structlog.stdlib.get_logger()


class Handler:
    """aiohttp's handler: one call per request."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._forwarder = Forwarder(world)
        self.tunnels = tunnel.Tunnels(world)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        return (await self._answer(request)).for_aiohttp()

    async def _answer(self, request: web.BaseRequest) -> Answered:
        world = self._world
        if isinstance(request.protocol, Door):
            request.protocol.head_since_s = 0.0
        version = (request.version.major, request.version.minor)
        client = Client(request, http11=version == (1, 1))
        if world.draining:
            client.close_after()
        inbound = read_head(
            request.method,
            request.raw_path.encode("utf-8", "surrogateescape"),
            version=version,
            headers=request.raw_headers,
        )
        if isinstance(inbound, Fault):
            return self.fault(client, inbound)
        started_s = (
            time.perf_counter()
        )  # the loop's clock is coarse: milliseconds, read once per turn
        job = Job(world, inbound, content=request.content, peer=request.remote or "unknown")
        job.on_interim = client.interim
        world.began()
        try:
            return await self._guarded(job, client, request)
        finally:
            world.ended()
            job.release()
            traffic = job.verdict.traffic_class if job.verdict is not None else "none"
            world.ledger.metrics.duration(traffic, time.perf_counter() - started_s)

    def fault(self, client: Client, fault: Fault) -> Answered:
        """Refuse what is not a request this router can read."""
        digest = self._world.current().policy.digest
        self._world.ledger.refused(
            digest, None, status=fault.status, reasons=(f"http:{fault.code}",)
        )
        client.close_after()
        return client.problem(fault.status, fault.code)

    async def _guarded(self, job: Job, client: Client, request: web.BaseRequest) -> Answered:
        """Every ending of a request is settled exactly once, whatever ended it."""
        try:
            return await self._serve(job, client, request)
        except GuardBlockedError as blocked:
            return self._blocked(job, client, blocked.finding)
        except (ClientGoneError, ServiceGoneError):
            return client.abort()
        except (BodyBrokenError, BodyLateError, UploadWithdrawnError) as error:
            return self._unfinished(job, client, error)
        except asyncio.CancelledError:
            self._settle(job, site=job.site, status=CLIENT_GONE)
            raise
        except Exception as error:  # noqa: BLE001 - the outermost loop of a request
            # The traceback's text could quote the request: only where it was raised is logged.
            place = _place(error)
            log.error("router.error", error=type(error).__name__, where=place)  # noqa: TRY400 - see above
            if client.begun:
                return client.abort()
            client.close_after()
            return self._own(job, client, Undelivered(500, "internal"))

    def _blocked(self, job: Job, client: Client, finding: str) -> Answered:
        """The guard stopped it: a miss of the scan, so it alarms."""
        log.critical("router.guard_block", finding=finding, site=job.site)
        if job.verdict is not None and not job.settled:
            job.settled = True
            digest = job.generation.policy.digest
            self._world.ledger.blocked(digest, job.verdict, site=job.site, finding=finding)
        client.close_after()
        return client.problem(502, "blocked")

    def _unfinished(self, job: Job, client: Client, error: Exception) -> Answered:
        """Its body did not come to its end."""
        client.close_after()
        if isinstance(error, UploadWithdrawnError):
            return self._withdrawn(job, client)
        late = isinstance(error, BodyLateError)
        own = Undelivered(408, "body-timeout") if late else Undelivered(400, "malformed")
        return self._own(job, client, own)

    def _withdrawn(self, job: Job, client: Client) -> Answered:
        """A swap stopped its upload half way: part of it had gone out while that was allowed, the rest stays."""
        log.warning("router.upload_withdrawn", site=job.site)
        if not job.settled:
            job.settled = True
            self._world.ledger.refused(
                job.generation.policy.digest,
                job.verdict,
                status=503,
                reasons=(f"withdrawn:{job.site}",),
            )
        return client.problem(503, "withdrawn")

    async def _serve(self, job: Job, client: Client, request: web.BaseRequest) -> Answered:
        if answered := await self._judge(job, client):
            return answered
        verdict = job.verdict
        if verdict is None or verdict.route is None:
            return self._refuse(job, client, Undelivered(404, "no-route"))
        if not job.admit():
            return self._own(job, client, Undelivered(429, "shed"))
        if job.unread:
            await self._hold_for_retry(job, client)
        if job.inbound.websocket:
            return await self.tunnels.open(job, client, request)
        result = await self._forwarder.forward(job)
        if isinstance(result, Delivered):
            return await self._deliver(job, client, result)
        answer = self._refuse if result is MISDIRECTED else self._own
        return answer(job, client, result)

    async def _hold_for_retry(self, job: Job, client: Client) -> None:
        """A sensitive body may stream to where it may go, but what fits is held: then it can be sent again."""
        if job.inbound.expects and not job.body:
            client.go_on()
        room, limit_s = self._world.limits.held_response_bytes_max, self._world.limits.body_s
        if len(job.body) <= room and await hold(job, room, timeout_s=limit_s) == "broken":
            raise BodyBrokenError

    async def _judge(self, job: Job, client: Client) -> Answered | None:
        """Set the job's verdict, with its body held where that decides; answers what this door never serves."""
        head, classifier = job.inbound.head, job.generation.classifier
        judged = classifier.head(head)
        if isinstance(judged, HoldBody):
            if job.inbound.expects:
                client.go_on()
            held = await hold(job, judged.bytes_max, timeout_s=self._world.limits.body_s)
            if held == "broken":
                raise BodyBrokenError
            known = job.known_body()
            if known is None or held != "whole":
                known = UnreadBody(why="late" if held == "late" else "oversize")
            judged = classifier.body(judged, head, known)
        if job.inbound.websocket and judged.sensitivity is Sensitivity.PUBLIC:
            judged = _raise(judged, Reason(rule="upgrade", detail="websocket", where="header"))
        job.verdict = judged
        if self._world.edge and judged.sensitivity is not Sensitivity.PUBLIC:
            return self._refuse(job, client, Undelivered(421, "misdirected"))
        return None

    async def _deliver(self, job: Job, client: Client, delivered: Delivered) -> Answered:
        """Record, then answer: no decision's answer is out before its record is."""
        world, reply = self._world, delivered.reply
        try:
            self._settle(job, site=delivered.member.site, status=reply.status)
            if job.unread and not job.content.is_eof():
                client.close_after()
            if reply.complete:
                return client.whole(reply)
            return await client.stream(reply, delivered.connection, idle_s=world.limits.idle_s)
        finally:
            delivered.close(world.loop.time())

    def _settle(self, job: Job, *, site: str, status: int) -> None:
        if job.settled:
            return
        job.settled = True
        digest = job.generation.policy.digest
        if job.verdict is None:
            self._world.ledger.refused(digest, None, status=status, reasons=("http:unfinished",))
        else:
            self._world.ledger.forwarded(digest, job.verdict, site=site, status=status)

    def _own(self, job: Job, client: Client, undelivered: Undelivered) -> Answered:
        """An answer of the router's own to a request that was judged, or could not be."""
        self._settle(job, site="", status=undelivered.status)
        if job.unread:
            client.close_after()
        later = RETRY_AFTER_S if undelivered.status in {429, 503} else 0
        return client.problem(undelivered.status, undelivered.code, retry_after_s=later)

    def _refuse(self, job: Job, client: Client, undelivered: Undelivered) -> Answered:
        """An answer to a request that is not for this door; of it only the reasons are kept."""
        if not job.settled:
            job.settled = True
            reasons = tuple(str(reason) for reason in job.verdict.reasons) if job.verdict else ()
            self._world.ledger.refused(
                job.generation.policy.digest,
                job.verdict,
                status=undelivered.status,
                reasons=reasons,
            )
        if job.unread:
            client.close_after()
        return client.problem(undelivered.status, undelivered.code)


def _raise(verdict: Verdict, reason: Reason) -> Verdict:
    return Verdict(
        sensitivity=Sensitivity.SENSITIVE,
        traffic_class="raised",
        route=verdict.route,
        reasons=(reason,),
    )


def _place(error: BaseException) -> str:
    """File, line and function where an error was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    code = trace.tb_frame.f_code
    return f"{code.co_filename}:{trace.tb_lineno} {code.co_name}"
