"""How many replicas a demand needs: measured capacity per replica, and Erlang C where a waiting limit is given.

P(wait > t) = C(c, a) exp(-(c mu - lambda) t) for c slots, offered load a = lambda / mu (M/M/c). One shared queue
is the hopeful case; blind balancing makes every replica its own queue, which is judged as c = slots each.
"""

import math
from functools import lru_cache

import msgspec

from autoscale.plan.durations import seconds

REPLICAS_MAX = 1_000_000
"""More is a mistake in a figure, and Kubernetes counts in 32 bits."""
EXACT_SLOTS_MAX = 20_000
"""Above, the square-root rule is exact to within a slot in ten thousand and a recursion would cost milliseconds."""


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What one replica carries, in requests per second, and how it is used; `slots` 0: no waiting limit."""

    per_replica: float
    utilization: float = 0.85
    slots: int = 0
    wait: str = "0ms"
    share: float = 0.99
    shared: bool = True


def replicas_for(demand: float, capacity: Capacity) -> int:
    """The fewest replicas that carry `demand`, at most REPLICAS_MAX; never fewer for more demand."""
    if not demand > 0:
        return 0
    return min(_replicas(min(demand, REPLICAS_MAX * capacity.per_replica), capacity), REPLICAS_MAX)


def _replicas(demand: float, capacity: Capacity) -> int:
    if not capacity.slots:
        return _by_utilization(demand, capacity.per_replica * capacity.utilization)
    per_slot = capacity.per_replica / capacity.slots
    limit = (seconds(capacity.wait), 1 - capacity.share)
    if capacity.shared:
        return -(-_slots_for(demand, per_slot, *limit) // capacity.slots)
    rate = _rate_of_one(capacity.slots, per_slot, *limit)
    return _by_utilization(demand, rate)


def _by_utilization(demand: float, each: float) -> int:
    # A part in 10^9 forgives what dividing floats adds to a demand that fits exactly.
    return max(1, math.ceil(demand / each * (1 - 1e-9)))


def waiting_share(slots: int, load: float, excess: float) -> float:
    """P(wait > t) in M/M/c, with `load` = lambda / mu < `slots` and `excess` = (c mu - lambda) t."""
    return erlang_c(slots, load) * math.exp(-excess)


def erlang_c(slots: int, load: float) -> float:
    """The probability of having to wait at all; 1 where the load is not below the slots."""
    if load >= slots:
        return 1.0
    return _c_of_b(_erlang_b(slots, load), slots, load)


def _erlang_b(slots: int, load: float) -> float:
    inverse = 1.0
    for busy in range(1, slots + 1):
        inverse = 1.0 + inverse * busy / load
        if inverse > 1e300:
            return 0.0
    return 1.0 / inverse


def _c_of_b(blocked: float, slots: int, load: float) -> float:
    return slots * blocked / (slots - load * (1 - blocked))


@lru_cache(maxsize=65_536)
def _slots_for(demand: float, per_slot: float, wait_s: float, late: float) -> int:
    load = max(demand / per_slot, 1e-9)
    if load > EXACT_SLOTS_MAX:
        return _many_slots(load, per_slot, wait_s, late)
    inverse, slots = 1.0, 0
    while True:
        slots += 1
        inverse = 1.0 + inverse * slots / load
        if slots <= load:
            continue
        waiting = _c_of_b(1.0 / inverse, slots, load)
        if waiting * math.exp(-(slots - load) * per_slot * wait_s) <= late:
            return slots


def _many_slots(load: float, per_slot: float, wait_s: float, late: float) -> int:
    """Halfin-Whitt: C(beta) = 1 / (1 + beta Phi(beta) / phi(beta)), slots = load + beta sqrt(load)."""
    low, high = 0.0, 40.0
    while high - low > 1e-9:
        beta = (low + high) / 2
        density = math.exp(-beta * beta / 2) / math.sqrt(2 * math.pi)
        below = (1 + math.erf(beta / math.sqrt(2))) / 2
        waiting = 1 / (1 + beta * below / density) if density > 0 else 0.0
        if waiting * math.exp(-beta * math.sqrt(load) * per_slot * wait_s) <= late:
            high = beta
        else:
            low = beta
    return math.ceil(load + high * math.sqrt(load))


@lru_cache(maxsize=4096)
def _rate_of_one(slots: int, per_slot: float, wait_s: float, late: float) -> float:
    """The most one replica carries on its own queue."""
    low, high = 0.0, slots * per_slot
    while high - low > high * 1e-6:
        rate = (low + high) / 2
        load = rate / per_slot
        if waiting_share(slots, load, (slots * per_slot - rate) * wait_s) <= late:
            low = rate
        else:
            high = rate
    return max(low, high * 1e-6)
