"""One worker: everything wired, served until told to stop, drained, closed."""

import asyncio
import contextlib
import gc
import random
import signal
import socket
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import structlog

from contracts.settings import RouterSettings
from router.discovery_hub import Hub
from router.evidence import FLUSH_S, EvidenceWriter
from router.fleet import Fleet
from router.front import FrontServer
from router.generation import Generation
from router.handler import Handler
from router.job import World
from router.ledger import Ledger
from router.metrics import Metrics
from router.pages import EndpointState, Readiness, SiteState
from router.probes import Prober
from router.swap import Swap

log = structlog.stdlib.get_logger()

SETTLE_S = 3.0
"""How long a cluster may take to list its endpoints before the router serves without them."""

Gauge = tuple[str, str, tuple[tuple[str, str], ...], float]


class Worker:
    """The router of one process; implements `pages.Operated`."""

    def __init__(self, settings: RouterSettings, first: Generation, *, worker: str) -> None:
        self.settings = settings
        self._loop = asyncio.get_running_loop()
        rng = random.Random()
        self._swap = Swap(settings, first)
        self._fleet = Fleet(
            clock=self._loop.time,
            source_address=settings.source_address,
            failover="failover" not in settings.disable,
            guard="guard" not in settings.disable,
        )
        self._fleet.apply(first.policy, first.topology)
        self._hub = Hub(clock=self._loop.time, rng=rng)
        evidence = EvidenceWriter(Path(settings.evidence), worker, wall_ns=time.time_ns)
        metrics = Metrics(self._gauges)
        metrics.tables = (self._hub.tables.refused, self._hub.tables.endings)
        self._ledger = Ledger(evidence, metrics)
        self._world = World(
            settings,
            self._swap.current,
            fleet=self._fleet,
            ledger=self._ledger,
            loop=self._loop,
            rng=rng,
        )
        self._handler = Handler(self._world)
        self._front = FrontServer(self._handler, self._handler.fault, limits=settings.limits)
        self._prober = Prober(self._fleet, settings.limits, rng=rng)
        self._hub.on_change = self._endpoints_changed
        self._swap.prepare = self._prepare
        self._swap.fill = self._filled
        self._swap.on_swap = self._swapped
        self._swap.on_reject = self._rejected
        self._serving = False
        self._reloads: set[asyncio.Task[str]] = set()

    # ------------------------------------------------------------- life

    @contextlib.asynccontextmanager
    async def serving(self, listener: socket.socket) -> AsyncGenerator[None]:
        """Serve on `listener` while the context is open; leaving it drains within `drain_s`."""
        await self._prepare(self._swap.current())
        self._endpoints_changed()
        server = await self._loop.create_server(self._front, sock=listener, backlog=1024)
        tasks = [
            self._loop.create_task(endless)
            for endless in (
                self._front.sweep(),
                self._swap.watch(),
                self._handler.tunnels.recheck(),
                self._housekeeping(),
            )
        ]
        self._prober.sync()
        self._loop.add_signal_handler(signal.SIGHUP, self._on_hup)
        self._serving = True
        gc.collect()
        gc.freeze()
        try:
            yield
        finally:
            self._serving = False
            self.drain()
            self._loop.remove_signal_handler(signal.SIGHUP)
            server.close()
            await self._drained()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, *self._reloads, return_exceptions=True)
            await self._hub.close()
            await self._prober.close()
            self._fleet.close()
            self._ledger.close()
            gc.unfreeze()

    async def _drained(self) -> None:
        self._handler.tunnels.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.limits.drain_s):
                await self._world.idle()
        self._front.pre_shutdown()
        await self._front.shutdown(0.5)

    def _on_hup(self) -> None:
        task = self._loop.create_task(self._swap.reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _housekeeping(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            self._ledger.flush()
            self._fleet.trim()

    async def _prepare(self, new: Generation) -> None:
        """Look for endpoints before the first request, and before a swap needs them; bounded."""
        self._hub.prepare(new.topology)
        await self._hub.settled(SETTLE_S)

    def _filled(self, loaded: Generation) -> Generation:
        return loaded.with_topology(self._hub.filled(loaded.topology))

    def _endpoints_changed(self) -> None:
        """Endpoints came or went: taken on at once, without a swap; connections to the gone ones are retired."""
        current = self._swap.refill()
        self._fleet.apply(current.policy, current.topology)
        self._prober.sync()

    def _swapped(self, new: Generation) -> None:
        self._fleet.apply(new.policy, new.topology)
        self._prober.sync()
        self._handler.tunnels.close_forbidden()
        self._ledger.configured(new.policy.digest, f"generation:{new.number}")

    def _rejected(self, _why: str) -> None:
        self._ledger.metrics.config_rejected += 1
        self._ledger.configured(self._swap.current().policy.digest, "rejected")

    # ------------------------------------------------------------- operated

    def current(self) -> Generation:
        """The generation in force."""
        return self._swap.current()

    def readiness(self) -> Readiness:
        """Whether it serves, and what protects less than it should."""
        generation = self._swap.current()
        return Readiness(
            ready=self._serving and not self._world.draining,
            draining=self._world.draining,
            placement=self.settings.placement,
            policy=generation.policy.digest,
            generation=generation.number,
            disabled=self.settings.disable,
        )

    def sites(self) -> tuple[SiteState, ...]:
        """Every site with its breaker and endpoints."""
        return tuple(
            SiteState(
                name=name,
                breaker=state.state.name.lower(),
                endpoints=tuple(
                    EndpointState(
                        address=member.endpoint.address,
                        node=member.endpoint.node,
                        services=tuple(sorted(member.services)),
                        state=member.health.state.name.lower(),
                        outstanding=member.outstanding,
                    )
                    for member in self._fleet
                    if member.site == name
                ),
            )
            for name, state in self._fleet.breakers()
        )

    def metrics_text(self) -> bytes:
        """The exposition, after the public counters were flushed: evidence and decisions then agree."""
        self._ledger.flush()
        return self._ledger.metrics.render()

    def drain(self) -> None:
        """Say on /readyz that no more is wanted, and close each connection after its answer."""
        self._world.draining = True

    async def reload(self) -> str:
        """Re-read the configured files; empty when in force, else why not."""
        return await self._swap.reload()

    def _gauges(self) -> Iterator[Gauge]:
        for member in self._fleet:
            labels = (("site", member.site), ("node", member.endpoint.node))
            text = "Endpoint: 0 healthy, 1 slow start, 2 half-open, 3 ejected."
            yield "isthmus_router_upstream_state", text, labels, member.health.state.value
        for name, state in self._fleet.breakers():
            text = "Site breaker: 0 closed, 1 half-open, 2 open."
            yield "isthmus_router_site_state", text, (("site", name),), state.state.value
        for name in ("scan", "guard", "failover"):
            text = "1 for a protecting mechanism that is switched off."
            off = float(name in self.settings.disable)
            yield "isthmus_router_disabled", text, (("mechanism", name),), off
        text = "Requests being answered."
        yield "isthmus_router_in_flight", text, (), float(self._world.in_flight)
        yield from self._hub.gauges()
