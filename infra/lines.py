"""Who may open a connection to whom: exactly what the policy's routes and streams need, nothing else. Pure.

A site's class decides the direction: no line begins on a site that may hold less and ends on one that holds
more. Addresses come later; here are only parties.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from infra.names import SITES, Site
from infra.workloads import SERVICES, Workload
from policy.model import Policy, Sensitivity

PartyKind = Literal["workload", "clients", "scraper", "api", "kafka", "ledger", "warehouse"]


class Party(Struct, frozen=True, kw_only=True):
    """One end of a line; `name` is the workload's, empty for the others."""

    kind: PartyKind
    site: Site
    name: str = ""


class Line(Struct, frozen=True, kw_only=True):
    """`source` may connect to `target`."""

    source: Party
    target: Party


def lines(workloads: Iterable[Workload], policy: Policy) -> tuple[Line, ...]:
    """Every line, once."""
    listed = tuple(workloads)
    found = [
        *_routes(listed, policy),
        *_streams(listed, policy),
        *_stores(listed),
        *_outside(listed),
    ]
    return tuple(dict.fromkeys(found))


def _routes(workloads: tuple[Workload, ...], policy: Policy) -> Iterator[Line]:
    """Routers to services: the edge only within its site, the core wherever the class may be held."""
    for router in (it for it in workloads if it.router):
        for service in (it for it in workloads if it.kind in SERVICES):
            if _reaches(router, service, policy):
                yield Line(source=_party(router), target=_party(service))


def _reaches(router: Workload, service: Workload, policy: Policy) -> bool:
    if router.kind == "router-edge" and service.site != router.site:
        return False
    # a raised request may go to any service of a site that holds sensitive data, a public one also elsewhere
    return any(
        route.service == service.kind
        and policy.may_hold(service.site, route.sensitivity)
        and (router.kind == "router-core" or route.sensitivity is Sensitivity.PUBLIC)
        for route in policy.routes
    )


def _streams(workloads: tuple[Workload, ...], policy: Policy) -> Iterator[Line]:
    """The bridge opens every connection from a site that holds more: sources, its own broker, the warehouse."""
    for bridge in (it for it in workloads if it.kind == "bridge"):
        party = _party(bridge)
        for stream in policy.streams:
            if stream.target == bridge.site and stream.carry_all:
                yield from (
                    Line(source=party, target=Party(kind="kafka", site=site))
                    for site in _known(stream.source)
                )
        yield Line(source=party, target=Party(kind="kafka", site=bridge.site))
        yield Line(source=party, target=Party(kind="warehouse", site=bridge.site))


def _known(site: str) -> tuple[Site, ...]:
    match site:
        case "public" | "private":
            return (site,)
        case _:
            return ()


def _stores(workloads: tuple[Workload, ...]) -> Iterator[Line]:
    for it in workloads:
        match it.kind:
            case "clicks":
                yield Line(source=_party(it), target=Party(kind="kafka", site=it.site))
            case "orders" | "profiles":
                yield Line(source=_party(it), target=Party(kind="ledger", site=it.site))
            case _:
                pass


def _outside(workloads: tuple[Workload, ...]) -> Iterator[Line]:
    """Clients to routers, routers to the API servers whose endpoints they read, scrapes."""
    sites: list[Site] = [site for site in SITES if any(it.site == site for it in workloads)]
    for it in workloads:
        party = _party(it)
        if it.serves:
            yield Line(source=Party(kind="scraper", site=it.site), target=party)
        if it.router:
            yield Line(source=Party(kind="clients", site=it.site), target=party)
            core = it.kind == "router-core"
            readable: list[Site] = [site for site in sites if core or site == it.site]
            yield from (
                Line(source=party, target=Party(kind="api", site=site)) for site in readable
            )


def _party(workload: Workload) -> Party:
    return Party(kind="workload", site=workload.site, name=workload.name)
