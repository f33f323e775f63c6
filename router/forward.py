"""The attempt loop: an egress, a choice, an attempt, and whether there is another.

Only this module turns failures into further attempts; every one asks the job for its egress anew, so it is
judged under the newest policy and can reach nothing that the verdict forbids.
"""

import dataclasses

from router.balance import Choice, choose
from router.body import pump
from router.egress import Egress, Outlet
from router.fleet import Member
from router.health import Event
from router.job import Job, World
from router.reply import Reply
from router.retry import UNSENT_MAX, Failure, Scope
from router.upstream import Connection, UpstreamError

_GATEWAY_ERRORS = frozenset({502, 503, 504})


@dataclasses.dataclass(slots=True)
class Delivered:
    """An answer: whole, or its head with the rest to come over `connection`."""

    member: Member
    connection: Connection
    reply: Reply
    open: bool = True

    def close(self, now_s: float) -> None:
        """Done with the answer; its connection is kept if it may be."""
        if self.open:
            self.open = False
            self.member.outstanding -= 1
            self.member.pool.give_back(self.connection, self.reply, now_s)


@dataclasses.dataclass(frozen=True, slots=True)
class Undelivered:
    """No answer: the status and problem code the client gets."""

    status: int
    code: str


UNAVAILABLE = Undelivered(503, "unavailable")
SHED = Undelivered(503, "shed")
MISDIRECTED = Undelivered(421, "misdirected")
_OF_FAILURE = {
    Failure.UNSENT: UNAVAILABLE,
    Failure.LOST: Undelivered(502, "bad-answer"),
    Failure.GARBLED: Undelivered(502, "bad-answer"),
    Failure.TIMED_OUT: Undelivered(504, "timeout"),
}
_OF_EVENT = {
    Failure.UNSENT: Event.REFUSED,
    Failure.LOST: Event.FAILED,
    Failure.GARBLED: Event.FAILED,
    Failure.TIMED_OUT: Event.TIMED_OUT,
}


class _Course:
    """What one request has been through so far."""

    __slots__ = (
        "attempts",
        "deadline_s",
        "last",
        "owes",
        "pinned",
        "shed",
        "silent_sites",
        "tried",
        "unsent",
    )

    def __init__(self, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self.attempts = 0
        self.unsent = 0
        self.tried: set[str] = set()
        self.silent_sites: set[str] = set()
        self.pinned: str | None = None
        self.shed = False
        self.owes = False
        self.last = UNAVAILABLE


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """Where an attempt goes."""

    outlet: Outlet
    member: Member


class Forwarder:
    """Sends jobs."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def forward(self, job: Job) -> Delivered | Undelivered:
        """Try until there is an answer or no further attempt is allowed. Raises `GuardBlockedError`."""
        world = self._world
        now_s = world.loop.time()
        world.budget.note_request(now_s)
        course = _Course(now_s + world.limits.total_s)
        while True:
            egress = job.egress()
            if egress is None:
                return MISDIRECTED
            choice = self._choose(job, egress, course)
            if choice is None:
                return SHED if course.shed else course.last
            if course.owes and not self._paid(choice.outlet, course):
                return course.last
            member = world.fleet.member(choice.outlet.site, choice.endpoint)
            course.tried.add(choice.endpoint.address)
            if member is None:
                continue
            job.site = choice.outlet.site
            try:
                return await self._attempt(job, egress, _Place(choice.outlet, member), course)
            except UpstreamError as error:
                if not self._again(job, course, _Place(choice.outlet, member), error=error):
                    return course.last

    def _choose(self, job: Job, egress: Egress, course: _Course) -> Choice | None:
        course.shed = False

        def admit(outlet: Outlet) -> bool:
            admitted = job.admit_to_reserve(outlet)
            course.shed = course.shed or not admitted
            return admitted

        return choose(
            egress,
            self._world.fleet,
            tried=course.tried,
            last_resort_sites=course.silent_sites,
            only_site=course.pinned,
            admit=admit,
            rng=self._world.rng,
        )

    def _again(self, job: Job, course: _Course, place: _Place, *, error: UpstreamError) -> bool:
        """Note a failed attempt; whether there may be another one."""
        world, failure = self._world, error.failure
        silent = error.silent or failure is Failure.TIMED_OUT
        world.fleet.failed(place.member, Event.TIMED_OUT if silent else _OF_EVENT[failure])
        course.last = _OF_FAILURE[failure]
        if silent:
            course.silent_sites.add(place.outlet.site)
        now_s = world.loop.time()
        if not world.failover or now_s >= course.deadline_s:
            return False
        if failure is Failure.UNSENT:
            course.unsent += 1
            return course.unsent < UNSENT_MAX
        where = job.repeatable()
        if where is Scope.NOWHERE or course.attempts >= world.limits.attempts_max:
            return False
        if where is Scope.SAME_SITE:
            course.pinned = place.outlet.site
        course.owes = True
        return True

    def _paid(self, outlet: Outlet, course: _Course) -> bool:
        """Pay for another attempt: a token of the budget, so that an outage is not amplified.

        A move out of a silent site into another's reserve is bounded by that reserve, which the choice has
        just taken a place of, and puts nothing on the site that failed: it costs no token.
        """
        world = self._world
        course.owes = False
        moves = bool(course.silent_sites) and outlet.site not in course.silent_sites
        if not (moves and outlet.reserve) and not world.budget.take(world.loop.time()):
            return False
        world.ledger.metrics.retries += 1
        return True

    async def _attempt(self, job: Job, egress: Egress, place: _Place, course: _Course) -> Delivered:
        """One attempt at one endpoint. Raises `UpstreamError` or `GuardBlockedError`."""
        world, member = self._world, place.member
        limit_s = self._limit_s(job, egress, place.outlet, course=course)
        member.outstanding += 1
        connection: Connection | None = None
        delivered: Delivered | None = None
        try:
            connection = member.pool.take() or await member.pool.connect(
                min(world.limits.connect_s, limit_s)
            )
            if not job.still_allows(place.outlet):
                raise UpstreamError(Failure.UNSENT)
            reply = Reply(
                world.loop,
                job.inbound.head.method,
                hold=job.repeatable() is not Scope.NOWHERE,
                hold_bytes_max=world.limits.held_response_bytes_max,
                on_interim=job.on_interim,
            )
            connection.send(job.payload(place.outlet), reply)
            course.attempts += 1
            if job.unread:
                await pump(job, connection, reply, outlet=place.outlet)
            await reply.wait(limit_s)
            delivered = self._delivered(member, connection, reply)
            return delivered
        finally:
            if delivered is None:
                member.outstanding -= 1
                if connection is not None:
                    connection.abort()

    def _delivered(self, member: Member, connection: Connection, reply: Reply) -> Delivered:
        """What a reply has come to. Raises `UpstreamError` when there is no answer to pass on."""
        world = self._world
        if reply.failure is not None:
            raise UpstreamError(reply.failure)
        if not reply.answered:
            raise UpstreamError(Failure.TIMED_OUT)
        event = Event.FAILED if reply.status in _GATEWAY_ERRORS else Event.OK
        world.fleet.answered(member, event)
        delivered = Delivered(member, connection, reply)
        if reply.complete:
            delivered.close(world.loop.time())
        return delivered

    def _limit_s(self, job: Job, egress: Egress, outlet: Outlet, *, course: _Course) -> float:
        """How long this attempt may take: cut short only when another one could follow elsewhere."""
        world = self._world
        limits, now_s = world.limits, world.loop.time()
        left_s = max(0.001, course.deadline_s - now_s)
        reserve = any(other.reserve and other.site != outlet.site for other in egress.outlets)
        elsewhere = sum(len(other.endpoints) for other in egress.outlets) > 1
        if (
            not world.failover
            or not elsewhere
            or course.attempts + 1 >= limits.attempts_max
            or job.repeatable() is Scope.NOWHERE
            or not (reserve or world.budget.available(now_s))
        ):
            return left_s
        public = not outlet.trusted or outlet.reserve
        return min(left_s, limits.attempt_public_s if public else limits.attempt_sensitive_s)
