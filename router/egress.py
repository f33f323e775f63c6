"""Where may a request of this class go? A capability that holds only sites whose `holds` cover it.

Retry and failover take an `Egress` and nothing else, so no code path can reach a site that the class
forbids: such a site is not in the object. It says nothing of health.
"""

import dataclasses

from policy.model import Policy, Sensitivity, SiteName, Verdict
from policy.topology import Endpoint, Topology


@dataclasses.dataclass(frozen=True, slots=True)
class Outlet:
    """One site's endpoints of the service; none while a cluster says that it has none.

    `reserve` marks a site that is only a stand-in for public traffic (it holds sensitive data and another
    site comes first); `trusted` a site that may hold sensitive data, where the guard need not look.
    """

    site: SiteName
    endpoints: tuple[Endpoint, ...]
    reserve: bool
    trusted: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Egress:
    """The outlets of one verdict in order of preference; empty when the service runs nowhere it may go."""

    sensitivity: Sensitivity
    service: str
    outlets: tuple[Outlet, ...]


def open_egress(verdict: Verdict, policy: Policy, topology: Topology) -> Egress:
    """The only way to an `Egress`: what `policy` lets hold the verdict's class, in topology order."""
    if verdict.route is None:
        return Egress(verdict.sensitivity, "", ())
    service = verdict.route.service
    outlets: list[Outlet] = []
    for site in topology.sites:
        endpoints = site.services.get(service)
        if endpoints is None or not policy.may_hold(site.name, verdict.sensitivity):
            continue
        trusted = policy.may_hold(site.name, Sensitivity.SENSITIVE)
        # A site without endpoints right now still comes first: who stands in for it is its reserve.
        reserve = trusted and verdict.sensitivity is Sensitivity.PUBLIC and bool(outlets)
        outlets.append(Outlet(site.name, endpoints, reserve, trusted))
    return Egress(verdict.sensitivity, service, tuple(outlets))
