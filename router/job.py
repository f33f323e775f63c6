"""One request on its way through the router: what is known of it, and what it holds until it is done.

It is judged under the newest generation each time an attempt asks for its egress.
"""

import asyncio
import random
from typing import Protocol

from contracts.settings import RouterLimits, RouterSettings
from policy.model import Body, HeldBody, Sensitivity, UnreadBody, Verdict
from router import overload
from router.egress import Egress, Outlet
from router.fleet import Fleet
from router.framing import Framing, forwarded_block, request_head
from router.generation import Current, Generation
from router.inbound import Inbound
from router.ledger import Ledger
from router.reply import OnInterim
from router.retry import Budget, Scope, scope


class Content(Protocol):
    """What is read of a request body's stream."""

    def is_eof(self) -> bool:
        """Whether the end has arrived."""
        ...

    def read_nowait(self, n: int = -1) -> bytes:
        """What is at hand."""
        ...

    async def readany(self) -> bytes:
        """What is at hand, or the next that comes; empty at the end."""
        ...


class World:
    """What all requests of a worker share."""

    def __init__(  # noqa: PLR0913 - the wiring of one worker, by name
        self,
        settings: RouterSettings,
        current: Current,
        *,
        fleet: Fleet,
        ledger: Ledger,
        loop: asyncio.AbstractEventLoop,
        rng: random.Random,
    ) -> None:
        self.settings = settings
        self.limits: RouterLimits = settings.limits
        self.current = current
        self.fleet = fleet
        self.ledger = ledger
        self.loop = loop
        self.rng = rng
        self.budget = Budget()
        self.admission = overload.Admission()
        self.failover = "failover" not in settings.disable
        self.edge = settings.placement == "edge"
        self.draining = False
        self.in_flight = 0
        self._idle: asyncio.Event | None = None

    def began(self) -> None:
        """A request is in flight."""
        self.in_flight += 1

    def ended(self) -> None:
        """A request is no longer in flight."""
        self.in_flight -= 1
        if self._idle is not None and not self.in_flight:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until no request is in flight."""
        self._idle = asyncio.Event()
        if self.in_flight:
            await self._idle.wait()


class Job:
    """One request."""

    __slots__ = (
        "_pools", "body", "content", "generation", "inbound", "on_interim", "peer", "settled",
        "site", "unread", "verdict", "world",
    )  # fmt: skip

    def __init__(self, world: World, inbound: Inbound, *, content: Content, peer: str) -> None:
        self.world = world
        self.inbound = inbound
        self.content = content
        self.peer = peer
        self.generation: Generation = world.current()
        self.verdict: Verdict | None = None
        self.body = b""
        self.unread = inbound.head.has_body
        self.settled = False
        self.site = ""
        self.on_interim: OnInterim | None = None
        self._pools: list[str] = []

    # ------------------------------------------------------------- judged

    def known_body(self) -> Body | None:
        """The body as the policy may see it: whole, or why not; None when there is none."""
        if not self.inbound.head.has_body:
            return None
        return UnreadBody(why="oversize") if self.unread else HeldBody(data=self.body)

    def egress(self) -> Egress | None:
        """Where it may go under the newest policy; None when this door must not forward it at all."""
        newest = self.world.current()
        if newest is not self.generation:
            judged = newest.classifier is self.generation.classifier
            self.generation = newest
            if not judged:  # else only endpoints have changed
                self.verdict = newest.judge(self.inbound.head, self.known_body())
        verdict = self.verdict
        if verdict is None or verdict.route is None:
            return None
        if self.world.edge and verdict.sensitivity is not Sensitivity.PUBLIC:
            return None
        egress = newest.egress(verdict)
        if self.world.failover:
            return egress
        return Egress(egress.sensitivity, egress.service, egress.outlets[:1])

    def still_allows(self, outlet: Outlet) -> bool:
        """Whether the newest policy and topology still let it go to the outlet's site as the outlet says.

        A site that meanwhile may hold less is another place: its connections were opened without a guard.
        """
        egress = self.egress()
        return egress is not None and any(
            it.site == outlet.site and it.trusted == outlet.trusted for it in egress.outlets
        )

    # ------------------------------------------------------------- admitted

    def admit(self) -> bool:
        """Take a place in the pool of its class."""
        verdict = self.verdict
        if verdict is None:
            return False
        share: float | None = None
        if verdict.traffic_class == "raised":
            sites = self.generation.topology.sites
            share = next((s.reserve["raised"] for s in sites if "raised" in s.reserve), None)
        limit = overload.class_limit(verdict.traffic_class, self.world.limits, raised_share=share)
        return self._enter(verdict.traffic_class, limit)

    def admit_to_reserve(self, outlet: Outlet) -> bool:
        """Take a place in the reserve of a private site for this public request, once."""
        site = self.generation.topology.site(outlet.site)
        verdict = self.verdict
        if site is None or verdict is None or verdict.route is None:
            return False
        service = verdict.route.service
        pool = f"reserve/{outlet.site}/{service}"
        return pool in self._pools or self._enter(
            pool, overload.spill_limit(site, service, self.world.limits)
        )

    def _enter(self, pool: str, limit: int) -> bool:
        if not self.world.admission.enter(pool, limit):
            return False
        self._pools.append(pool)
        return True

    def release(self) -> None:
        """Give back every place."""
        for pool in self._pools:
            self.world.admission.leave(pool)
        self._pools.clear()

    # ------------------------------------------------------------- sent

    def repeatable(self) -> Scope:
        """Where it may be tried again once bytes were written; nowhere while some of its body is not held."""
        verdict = self.verdict
        if self.unread or verdict is None or verdict.route is None:
            return Scope.NOWHERE
        head, route = self.inbound.head, verdict.route
        keyed = bool(route.idempotency) and any(
            name.lower() == route.idempotency.lower().encode() for name, _ in head.headers
        )
        return scope(head.method, keyed=keyed, ledger_shared=route.ledger_shared)

    def payload(self, outlet: Outlet, *, upgrade: bytes = b"") -> bytes:
        """The bytes to write first: the head and what is held of the body."""
        head, verdict = self.inbound.head, self.verdict
        cookies = None
        if not outlet.trusted and verdict is not None and verdict.route is not None:
            cookies = frozenset(name.encode() for name in verdict.route.cookies)
        framing = self.framing()
        written = request_head(
            head,
            framing=framing,
            forwarded=forwarded_block(self.peer, head.host),
            cookies=cookies,
            upgrade=upgrade,
        )
        if not self.body:
            return written
        if framing.chunked:
            return b"%b%x\r\n%b\r\n" % (written, len(self.body), self.body)
        return written + self.body

    def framing(self) -> Framing:
        """How the body is delimited on the way up: by length when it is known, else chunked."""
        head = self.inbound.head
        if not head.has_body:
            return Framing(length=head.content_length)
        if not self.unread:
            return Framing(length=len(self.body))
        if head.content_length is not None:
            return Framing(length=head.content_length)
        return Framing(chunked=True)
