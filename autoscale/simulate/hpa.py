"""The Horizontal Pod Autoscaler: what one sync every 15 s makes of metrics, bounds, behaviours and its memory.

Ported from kubernetes pkg/controller/podautoscaler/horizontal.go (`reconcileAutoscaler`, `stabilizeRecommendation-
WithBehaviors`, `convertDesiredReplicasWithBehaviorRate`). Two rules matter most to whoever raises a floor: below the
minimum it jumps there before metrics, tolerance and behaviours are looked at; and its memory holds what the *metric*
asked for, so a floor that is dropped at once is a cliff.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import Literal, assert_never

import msgspec

SYNC_S = 15.0
"""--horizontal-pod-autoscaler-sync-period, its default."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A HPAScalingPolicy: at most `value` pods, or percent of the replicas, per `period_s`."""

    kind: Literal["pods", "percent"]
    value: int
    period_s: float


class Behavior(msgspec.Struct, frozen=True, kw_only=True):
    """HPAScalingRules of one direction; `window_s` is its stabilization window."""

    rates: tuple[Rate, ...]
    select: Literal["max", "min", "disabled"] = "max"
    window_s: float = 0.0


UP = Behavior(
    rates=(
        Rate(kind="percent", value=100, period_s=15.0),
        Rate(kind="pods", value=4, period_s=15.0),
    )
)
DOWN = Behavior(rates=(Rate(kind="percent", value=100, period_s=15.0),), window_s=300.0)
"""Both as the API server defaults them (autoscaling/v2)."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """minReplicas and maxReplicas."""

    low: int
    high: int


class Hpa:
    """One autoscaler with its memory of recommendations and of its own scale events."""

    __slots__ = ("_down", "_downs", "_memory", "_up", "_ups")

    def __init__(self, up: Behavior = UP, down: Behavior = DOWN) -> None:
        self._up, self._down = up, down
        self._memory: deque[tuple[float, int]] = deque()
        self._ups: deque[tuple[float, int]] = deque()
        self._downs: deque[tuple[float, int]] = deque()

    def sync(
        self, now_s: float, current: int, *, bounds: Bounds, asked: Sequence[int | None]
    ) -> int:
        """The replicas to set; `asked` is one recommendation per metric, None for an invalid one."""
        wanted = self._wanted(now_s, current, bounds=bounds, asked=asked)
        if wanted > current:
            self._ups.append((now_s, wanted - current))
        elif wanted < current:
            self._downs.append((now_s, current - wanted))
        return wanted

    def _wanted(
        self, now_s: float, current: int, *, bounds: Bounds, asked: Sequence[int | None]
    ) -> int:
        if current == 0 and bounds.low != 0:
            return 0  # replicas set to zero by hand: the autoscaler is off
        if current > bounds.high:
            return bounds.high
        if current < bounds.low:
            return bounds.low
        recommended = combined(current, asked)
        if recommended is None:
            return current
        steady = self._stabilized(now_s, current, recommended=recommended)
        return self._at_rate(now_s, current, wanted=steady, bounds=bounds)

    def _stabilized(self, now_s: float, current: int, *, recommended: int) -> int:
        up_cut, down_cut = now_s - self._up.window_s, now_s - self._down.window_s
        while self._memory and self._memory[0][0] <= min(up_cut, down_cut):
            self._memory.popleft()
        lowest = min((n for at, n in self._memory if at > up_cut), default=recommended)
        highest = max((n for at, n in self._memory if at > down_cut), default=recommended)
        self._memory.append((now_s, recommended))
        return min(max(current, min(lowest, recommended)), max(highest, recommended))

    def _at_rate(self, now_s: float, current: int, *, wanted: int, bounds: Bounds) -> int:
        forget(self._ups, before_s=now_s - longest(self._up))
        forget(self._downs, before_s=now_s - longest(self._down))
        if wanted > current:
            most = max(self._limit(now_s, current, behavior=self._up, sign=1), current)
            return min(wanted, most, bounds.high)
        if wanted < current:
            least = min(self._limit(now_s, current, behavior=self._down, sign=-1), current)
            return max(wanted, least, bounds.low)
        return current

    def _limit(self, now_s: float, current: int, *, behavior: Behavior, sign: int) -> int:
        """How far the rates of one direction allow to go from where their periods began."""
        if behavior.select == "disabled":
            return current
        limits = [
            proposed(rate, self._began(now_s, current, period_s=rate.period_s), sign=sign)
            for rate in behavior.rates
        ]
        furthest = (behavior.select == "max") == (sign > 0)
        return max(limits) if furthest else min(limits)

    def _began(self, now_s: float, current: int, *, period_s: float) -> int:
        since = now_s - period_s
        added = sum(n for at, n in self._ups if at > since)
        removed = sum(n for at, n in self._downs if at > since)
        return current - added + removed


def combined(current: int, asked: Sequence[int | None]) -> int | None:
    """The largest ask; None if all are invalid, or one is and the rest would scale down."""
    valid = [n for n in asked if n is not None]
    if not valid or (len(valid) < len(asked) and max(valid) < current):
        return None
    return max(valid)


def proposed(rate: Rate, began: int, *, sign: int) -> int:
    """The replicas a rate allows, from `began` at the start of its period (up: rounded up, down: truncated)."""
    match rate.kind:
        case "pods":
            return began + sign * rate.value
        case "percent":
            share = began * (1 + sign * rate.value / 100)
            return math.ceil(share) if sign > 0 else int(share)
        case _:
            assert_never(rate.kind)


def longest(behavior: Behavior) -> float:
    """The longest period of a direction, in seconds."""
    return max((rate.period_s for rate in behavior.rates), default=0.0)


def forget(events: deque[tuple[float, int]], *, before_s: float) -> None:
    """Drop scale events that no period reaches any more."""
    while events and events[0][0] <= before_s:
        events.popleft()
