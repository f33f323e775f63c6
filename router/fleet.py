"""Every endpoint of the topology with its health, its connections and its site's breaker.

The one place where health is written: requests and probes report here, choices read here. It survives a
swap of policy or topology: what stays keeps its health and its connections.
"""

import dataclasses
from collections.abc import Callable, Iterator

from policy.model import Policy, Sensitivity, SiteName
from policy.topology import Endpoint, Topology
from router import breaker, health
from router.guard import Guard
from router.health import Health
from router.pool import Pool

Key = tuple[SiteName, str]
_FINE = Health()


@dataclasses.dataclass(slots=True)
class Member:
    """One endpoint (a service may share it with another) and what is known of it."""

    site: SiteName
    services: frozenset[str]
    endpoint: Endpoint
    pool: Pool
    guarded: bool
    health: Health = _FINE
    outstanding: int = 0


class Fleet:
    """All members; implements `balance.Fitness`."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        source_address: str,
        failover: bool,
        guard: bool,
    ) -> None:
        self._clock = clock
        self._source_address = source_address
        self._failover = failover
        self._guard = guard
        self._members: dict[Key, Member] = {}
        self._breakers: dict[SiteName, breaker.Breaker] = {}
        self._sizes: dict[SiteName, int] = {}
        self._health_limits = health.Limits()
        self._breaker_limits = breaker.Limits()
        self._guard_ids: frozenset[str] = frozenset()

    def apply(self, policy: Policy, topology: Topology) -> None:
        """Take on a new policy and topology; members that are gone finish what is on them."""
        before, self._members = self._members, {}
        changed = frozenset(policy.detectors) != self._guard_ids
        self._guard_ids = frozenset(policy.detectors)
        for site in topology.sites:
            guarded = self._guard and not policy.may_hold(site.name, Sensitivity.SENSITIVE)
            services: dict[str, set[str]] = {}
            endpoints: dict[str, Endpoint] = {}
            for service, listed in site.services.items():
                for endpoint in listed:
                    services.setdefault(endpoint.address, set()).add(service)
                    endpoints[endpoint.address] = endpoint
            self._sizes[site.name] = len(endpoints)
            self._breakers.setdefault(site.name, breaker.Breaker())
            for address, endpoint in endpoints.items():
                key = (site.name, address)
                old = before.get(key)
                kept = old is not None and old.guarded == guarded and not (guarded and changed)
                if kept and old is not None:
                    old.services, old.endpoint = frozenset(services[address]), endpoint
                    self._members[key] = before.pop(key)
                    continue
                self._members[key] = self._member(
                    site.name, endpoint, frozenset(services[address]), guarded=guarded
                )
        for gone in before.values():
            gone.pool.retire()

    def _member(
        self, site: SiteName, endpoint: Endpoint, services: frozenset[str], *, guarded: bool
    ) -> Member:
        guard = Guard(self._guard_ids) if guarded else None
        pool = Pool(endpoint.host, endpoint.port, source_address=self._source_address, guard=guard)
        return Member(site=site, services=services, endpoint=endpoint, pool=pool, guarded=guarded)

    # ------------------------------------------------------------- read by choices

    def open(self, site: SiteName) -> bool:
        """Whether the site's breaker lets requests through."""
        return not self._failover or self._breakers[site].state is breaker.State.CLOSED

    def weight(self, site: SiteName, endpoint: Endpoint) -> float:
        """The share of traffic the endpoint may take now, 0 when ejected."""
        member = self._members.get((site, endpoint.address))
        if member is None:
            return 0.0
        if not self._failover or member.health.state is health.State.HEALTHY:
            return 1.0
        return health.weight(member.health, self._clock(), limits=self._health_limits)

    def outstanding(self, site: SiteName, endpoint: Endpoint) -> int:
        """Requests in flight to the endpoint."""
        member = self._members.get((site, endpoint.address))
        return member.outstanding if member is not None else 0

    def member(self, site: SiteName, endpoint: Endpoint) -> Member | None:
        """The member behind a choice; None when a swap has removed it since."""
        return self._members.get((site, endpoint.address))

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    def breakers(self) -> Iterator[tuple[SiteName, breaker.Breaker]]:
        """Each site's breaker."""
        yield from self._breakers.items()

    # ------------------------------------------------------------- written by requests and probes

    def answered(self, member: Member, event: health.Event) -> None:
        """A request was answered: `event` is OK, or FAILED for an answer of 502, 503 or 504."""
        if event is not health.Event.OK or member.health is not _FINE:
            self._step(member, event)
        self._site_step(member, breaker.Event.ANSWERED)

    def failed(self, member: Member, event: health.Event) -> None:
        """An attempt failed: REFUSED, FAILED or TIMED_OUT."""
        self._step(member, event)
        if event is health.Event.TIMED_OUT:
            self._site_step(member, breaker.Event.SILENT)

    def probed(self, member: Member, event: health.Event, *, silent: bool = False) -> None:
        """A probe ended: PROBE_OK, PROBE_FAILED (`silent` when cut by time) or PROBE_REFUSED."""
        self._step(member, event)
        if silent:
            self._site_step(member, breaker.Event.SILENT)
        elif event is health.Event.PROBE_OK:
            self._site_step(member, breaker.Event.PROBE_ANSWERED)

    def _step(self, member: Member, event: health.Event) -> None:
        now_s = self._clock()
        alone = event not in _GOOD and not self._has_others(member)
        member.health = health.step(
            member.health, event, now_s=now_s, limits=self._health_limits, alone=alone
        )

    def _has_others(self, member: Member) -> bool:
        """Whether each service of this member has another endpoint at its site that is not ejected."""
        covered: set[str] = set()
        for other in self._members.values():
            if (
                other is not member
                and other.site == member.site
                and other.health.state is not health.State.EJECTED
            ):
                covered |= other.services
        return member.services <= covered

    def _site_step(self, member: Member, event: breaker.Event) -> None:
        before = self._breakers[member.site]
        if event is breaker.Event.ANSWERED and not before.silent:
            return
        seen = breaker.Seen(event, member.endpoint.address, self._sizes[member.site], self._clock())
        self._breakers[member.site] = breaker.step(before, seen, limits=self._breaker_limits)

    def trim(self) -> None:
        """Close connections idle for too long."""
        now_s = self._clock()
        for member in self._members.values():
            member.pool.trim(now_s)

    def close(self) -> None:
        """Close every connection."""
        for member in self._members.values():
            member.pool.close()


_GOOD = frozenset({health.Event.OK, health.Event.PROBE_OK, health.Event.TICK})
