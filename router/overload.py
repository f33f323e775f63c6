"""How many requests of each class may be in the router at once: fixed limits, orders before ads.

Each class has a pool of its own, so that ads or junk that was raised cannot starve orders; the private
site's reserve for spilled public traffic is a share of its capacity, taken from the topology.
"""

from contracts.settings import RouterLimits
from policy.model import TrafficClass
from policy.topology import Site

RETRY_AFTER_S = 1
"""What a client that was shed is told; the pools turn over many times a second."""


class Admission:
    """Counters of requests in flight by pool."""

    __slots__ = ("_inside",)

    def __init__(self) -> None:
        self._inside: dict[str, int] = {}

    def enter(self, pool: str, limit: int) -> bool:
        """Take one place of `pool`; false when `limit` are inside already."""
        inside = self._inside.get(pool, 0)
        if inside >= limit:
            return False
        self._inside[pool] = inside + 1
        return True

    def leave(self, pool: str) -> None:
        """Give the place back."""
        self._inside[pool] -= 1

    def inside(self, pool: str) -> int:
        """How many are inside."""
        return self._inside.get(pool, 0)


def class_limit(traffic: TrafficClass, limits: RouterLimits, *, raised_share: float | None) -> int:
    """Requests of one class at once; `raised_share` is the private site's reserve for raised ones."""
    match traffic:
        case "public":
            return limits.concurrency_public
        case "sensitive":
            return limits.concurrency_sensitive
        case "raised":
            if raised_share is None:
                return limits.concurrency_raised
            share = max(1, int(raised_share * limits.concurrency_sensitive))
            return min(limits.concurrency_raised, share)


def spill_limit(site: Site, service: str, limits: RouterLimits) -> int:
    """Public requests of `service` at once in a site's reserve; 0 when the topology reserves nothing."""
    share = site.reserve.get(service, 0.0)
    return max(1, int(share * limits.concurrency_sensitive)) if share > 0 else 0
