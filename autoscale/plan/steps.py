"""How large one step is: it protects registries, connection pools and whatever a jump would hit."""

import math
from functools import lru_cache

PERCENT = 25
REPLICAS_MAX = 50
"""A step is at most a quarter of what stands and at most 50 replicas, and at least one."""


def step_of(replicas: int, percent: int = PERCENT) -> int:
    """The largest step from `replicas`."""
    return max(1, min(replicas * percent // 100, REPLICAS_MAX))


@lru_cache(maxsize=65_536)
def steps_between(low: int, high: int) -> int:
    """How many full steps lead from `low` up to `high`; 0 when it is there already.

    The long stretch of equal steps is divided, not walked: a million replicas cost no more than a hundred.
    """
    count, at = 0, max(low, 0)
    while at < high and step_of(at) < REPLICAS_MAX:
        at += step_of(at)
        count += 1
    return count + max(0, math.ceil((high - at) / REPLICAS_MAX))


@lru_cache(maxsize=65_536)
def steps_down(high: int, low: int, percent: int) -> int:
    """How many full steps lead from `high` down to `low`."""
    equal = -(-100 * REPLICAS_MAX // percent)
    count = max(0, math.ceil((high - max(low, equal)) / REPLICAS_MAX))
    at = high - count * REPLICAS_MAX
    while at > low:
        at -= step_of(at, percent)
        count += 1
    return count


def up(standing: int, target: int, left: int) -> int:
    """The next floor on the way to `target` when `left` more steps fit before it is due.

    One step; more only where single steps would come too late. With none left it is the target.
    """
    if target <= standing or left <= 0:
        return target
    hurry = math.ceil((target - standing) / left) if late(standing, target, left) else 0
    return min(target, standing + max(step_of(standing), hurry))


def late(standing: int, target: int, left: int) -> bool:
    """Whether single steps no longer reach the target in time."""
    return steps_between(standing, target) > left


def down(standing: int, target: int, percent: int) -> int:
    """The next floor on the way down to `target`."""
    return max(target, standing - step_of(standing, percent))
