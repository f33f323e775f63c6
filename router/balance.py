"""Which endpoint is tried next? Sites in the egress's order, two random choices within a site.

Pure: health, load and randomness are passed in. Only what the `Egress` holds can come out.
"""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from policy.model import SiteName
from policy.topology import Endpoint
from router.egress import Egress, Outlet

if TYPE_CHECKING:
    import random


class Fitness(Protocol):
    """What a choice needs to know of the fleet."""

    def open(self, site: SiteName) -> bool:
        """Whether the site's breaker lets requests through."""
        ...

    def weight(self, site: SiteName, endpoint: Endpoint) -> float:
        """The share of traffic the endpoint may take now, 0 when ejected."""
        ...

    def outstanding(self, site: SiteName, endpoint: Endpoint) -> int:
        """Requests in flight to the endpoint."""
        ...


class Choice:
    """An outlet and one of its endpoints."""

    __slots__ = ("endpoint", "outlet")

    def __init__(self, outlet: Outlet, endpoint: Endpoint) -> None:
        self.outlet = outlet
        self.endpoint = endpoint


Admit = Callable[[Outlet], bool]


def choose(  # noqa: PLR0913 - everything a choice depends on, by name
    egress: Egress,
    fitness: Fitness,
    *,
    tried: Collection[str],
    last_resort_sites: Collection[SiteName],
    only_site: SiteName | None,
    admit: Admit,
    rng: "random.Random",
) -> Choice | None:
    """The next endpoint to try, or None when nothing may be tried.

    `last_resort_sites` timed out for this request and come last; `only_site` pins a keyed request;
    `admit` is asked once per reserve before it is used. An endpoint already tried is used again only when
    no other is left. A site that may not hold sensitive data is tried with all its endpoints ejected
    rather than refused; a private one is not.
    """
    outlets = [o for o in egress.outlets if only_site is None or o.site == only_site]
    if last_resort_sites:
        outlets.sort(key=lambda outlet: outlet.site in last_resort_sites)
    for again in (False, True) if tried else (False,):
        for outlet in outlets:
            if not fitness.open(outlet.site):
                continue
            fit = [
                endpoint
                for endpoint in outlet.endpoints
                if (endpoint.address in tried) is again and usable(fitness, outlet, endpoint)
            ]
            if fit and (not outlet.reserve or admit(outlet)):
                return Choice(outlet, pick(fit, fitness, outlet.site, rng=rng))
    for outlet in outlets:
        if outlet.endpoints and not outlet.trusted and fitness.open(outlet.site):
            return Choice(outlet, rng.choice(outlet.endpoints))
    return None


def usable(fitness: Fitness, outlet: Outlet, endpoint: Endpoint) -> bool:
    """Not ejected; one that still has to prove itself takes a single request at a time."""
    share = fitness.weight(outlet.site, endpoint)
    return share >= 1.0 or (share > 0 and fitness.outstanding(outlet.site, endpoint) == 0)


def pick(
    endpoints: Sequence[Endpoint], fitness: Fitness, site: SiteName, *, rng: "random.Random"
) -> Endpoint:
    """The less loaded of two drawn at random (power of two choices), load divided by weight."""
    if len(endpoints) == 1:
        return endpoints[0]
    first, second = rng.sample(range(len(endpoints)), 2)
    one, other = endpoints[first], endpoints[second]
    return one if load(fitness, site, one) <= load(fitness, site, other) else other


def load(fitness: Fitness, site: SiteName, endpoint: Endpoint) -> float:
    """Requests in flight, one more for this one, over the share the endpoint may take."""
    share = fitness.weight(site, endpoint)
    return (fitness.outstanding(site, endpoint) + 1) / share if share > 0 else float("inf")
