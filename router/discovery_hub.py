"""The services that are found in clusters: one watcher each, what they found, and a topology with it filled in.

A topology file says which services these are; the hub follows it over swaps. What was found of a service
stays while the service is asked for in the same way, so a swap never starts from nothing.
"""

import asyncio
import dataclasses
import random
from collections.abc import Callable, Iterator

import msgspec
import structlog

from policy.model import SiteName
from policy.topology import Endpoint, KubernetesService, Network, Topology
from router.discovery import Ending, Found, SliceEvent, Slices, reduce, resolve
from router.discovery_config import ApiServer, load_kubeconfig
from router.discovery_watch import Timing, Watcher
from runtime.metrics import CounterTable

Key = tuple[SiteName, str, KubernetesService]
"""Site, the service's name there, and how it is found."""

log = structlog.stdlib.get_logger()


@dataclasses.dataclass(frozen=True, slots=True)
class Tables:
    """The counters of discovery."""

    refused: CounterTable
    endings: CounterTable

    @classmethod
    def new(cls) -> "Tables":
        """Empty ones."""
        return cls(
            CounterTable(
                "isthmus_router_discovery_refused",
                "Discovered addresses that were not used.",
                ("site", "service", "why"),
            ),
            CounterTable(
                "isthmus_router_discovery_endings",
                "Lists and watches of a cluster that ended, by how.",
                ("site", "service", "how"),
            ),
        )


class Source:
    """One service of one cluster: its slices as last heard, and what they come to."""

    def __init__(self, hub: "Hub", key: Key, networks: tuple[Network, ...]) -> None:
        self.site, self.name, self.service = key
        self.networks = networks
        self.found = Found()
        self.stale = True
        self.heard_s = hub.clock()
        self.listed = asyncio.Event()
        self._hub = hub
        self._slices: Slices = {}

    # ------------------------------------------------------------- told by the watcher

    def happened(self, events: list[SliceEvent]) -> None:
        """The slices changed."""
        for event in events:
            self._slices = reduce(self._slices, event)
        changed = self.resolve()
        self.listed.set()
        if changed:
            self._hub.on_change()

    def heard(self) -> None:
        """What is known is up to date."""
        self.heard_s = self._hub.clock()
        if self.stale and self.listed.is_set():
            log.info("router.discovery_current", site=self.site, service=self.name)
        self.stale = False

    def ended(self, ending: Ending, why: str, *, stale: bool) -> None:
        """A list or watch ended."""
        site, service = self.site, self.name
        self._hub.tables.endings.add(site, service, ending.value)
        if stale and (not self.stale or not self.listed.is_set()):
            log.error(
                "router.discovery_stale", site=site, service=service, how=ending.value, why=why,
                endpoints=len(self.found.endpoints),
            )  # fmt: skip
        self.stale = self.stale or stale

    def died(self, task: asyncio.Task[None]) -> None:
        """The watcher is gone: cancelled, or by a defect that must not pass for a quiet cluster."""
        if task.cancelled():
            return
        self.stale = True
        log.critical(
            "router.discovery_died", site=self.site, service=self.name, why=repr(task.exception())
        )

    def resolve(self) -> bool:
        """Work out the endpoints anew; whether they are others than before."""
        before, self.found = self.found, resolve(self._slices, self.service, self.networks)
        site, service = self.site, self.name
        for refusal in sorted(self.found.refused - before.refused):
            self._hub.tables.refused.add(site, service, refusal.why)
            log.error(
                "router.discovery_refused", site=site, service=service, address=refusal.address,
                why=refusal.why,
            )  # fmt: skip
        if self.found.endpoints == before.endpoints:
            return False
        log.info(
            "router.discovery_endpoints", site=site, service=service,
            endpoints=len(self.found.endpoints), before=len(before.endpoints),
        )  # fmt: skip
        return True


class Hub:
    """All sources of a worker. `on_change` is called when endpoints of any of them have changed."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        rng: random.Random,
        timing: Timing | None = None,
        load: Callable[[str], ApiServer] = load_kubeconfig,
    ) -> None:
        self.clock = clock
        self.tables = Tables.new()
        self.on_change: Callable[[], None] = lambda: None
        self._rng = rng
        self._timing = timing or Timing()
        self._load = load
        self._sources: dict[Key, tuple[Source, asyncio.Task[None]]] = {}
        self._taken_on: Topology | None = None

    def prepare(self, topology: Topology) -> None:
        """Begin to watch what this topology asks for; what is watched already goes on."""
        for key, networks in _wanted(topology).items():
            if key not in self._sources:
                self._sources[key] = self._started(Source(self, key, networks))

    def sync(self, topology: Topology) -> None:
        """Watch what this topology asks for, and nothing else."""
        self._taken_on = topology
        self.prepare(topology)
        wanted = _wanted(topology)
        for key in [key for key in self._sources if key not in wanted]:
            self._sources.pop(key)[1].cancel()
        for key, networks in wanted.items():
            source = self._sources[key][0]
            if source.networks != networks:
                source.networks = networks
                source.resolve()

    def _started(self, source: Source) -> tuple[Source, asyncio.Task[None]]:
        watcher = Watcher(
            source.service, source, rng=self._rng, timing=self._timing, load=self._load
        )
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(watcher.run())
        task.add_done_callback(source.died)
        return source, task

    async def settled(self, within_s: float) -> None:
        """Wait until every source was listed once; a cluster that does not answer is waited for no longer."""
        waits = [asyncio.ensure_future(it.listed.wait()) for it, _ in self._sources.values()]
        if waits:
            _, late = await asyncio.wait(waits, timeout=within_s)
            for wait in late:
                wait.cancel()

    def filled(self, topology: Topology) -> Topology:
        """The topology with every endpoint that was found; another one than before is taken on first."""
        if topology is not self._taken_on:
            self.sync(topology)
        if not any(site.kubernetes for site in topology.sites):
            return topology
        return msgspec.structs.replace(
            topology,
            sites=tuple(
                msgspec.structs.replace(
                    site,
                    services=site.services
                    | {
                        name: self._found((site.name, name, service))
                        for name, service in site.kubernetes.items()
                    },
                )
                for site in topology.sites
            ),
        )

    def _found(self, key: Key) -> tuple[Endpoint, ...]:
        known = self._sources.get(key)
        return known[0].found.endpoints if known is not None else ()

    def gauges(self) -> Iterator[tuple[str, str, tuple[tuple[str, str], ...], float]]:
        """What the metrics show beside the counters."""
        for source, _ in self._sources.values():
            labels = (("site", source.site), ("service", source.name))
            text = "1 while the cluster cannot be read and the last known endpoints are used."
            yield "isthmus_router_discovery_stale", text, labels, float(source.stale)
            text = "Endpoints found and in use."
            count = float(len(source.found.endpoints))
            yield "isthmus_router_discovery_endpoints", text, labels, count
            text = "Seconds since the cluster last said anything about the service."
            age_s = self.clock() - source.heard_s
            yield "isthmus_router_discovery_age_seconds", text, labels, age_s

    async def close(self) -> None:
        """Stop all watchers."""
        tasks = [task for _, task in self._sources.values()]
        self._sources.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _wanted(topology: Topology) -> dict[Key, tuple[Network, ...]]:
    return {
        (site.name, name, service): site.networks
        for site in topology.sites
        for name, service in site.kubernetes.items()
    }
