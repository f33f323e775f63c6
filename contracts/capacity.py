"""`capacity.json`: what one replica of a service was measured to carry; `load gate` writes it, autoscale reads it."""

from typing import Literal

from contracts.base import Contract

Confidence = Literal["high", "low", "none"]


class Interval(Contract, frozen=True, kw_only=True):
    """A value with its 95 % confidence interval."""

    value: float
    low: float
    high: float


class UslFit(Contract, frozen=True, kw_only=True):
    """Universal Scalability Law X(N) = rate·N / (1 + sigma·(N-1) + kappa·N·(N-1)) fitted to `points` levels.

    N is concurrency (throughput x mean latency, Little's law). `knee` is the concurrency of the highest
    throughput, `peak_rps` that throughput; both are 0 when no level shows retrograde behaviour (kappa = 0), and
    their `high` is 0 when the levels allow that there is none.
    """

    points: int
    rate: Interval
    sigma: Interval
    kappa: Interval
    knee: Interval
    peak_rps: Interval
    r_squared: float


class CapacityLevel(Contract, frozen=True, kw_only=True):
    """One level of load on one service: what was offered, what came back as expected, whether the objective held.

    `ok_rps_low` is the lower 95 % bound of `ok_rps` over the level's seconds.
    """

    offered_rps: float
    ok_rps: float
    ok_rps_low: float
    concurrency: float
    p99_ms: float
    good: bool


class ServiceCapacity(Contract, frozen=True, kw_only=True):
    """One service: `replica_rps` is what a replica carried within the objective, `replica_rps_low` its lower bound.

    `measured_rps` is the highest level that kept the objective over `replicas` replicas. `confidence` is
    `none` when nothing may be planned with it; `why` says what lowered it.
    """

    replicas: int
    measured_rps: float
    replica_rps: float
    replica_rps_low: float
    confidence: Confidence
    why: str
    fit: UslFit | None = None
    levels: tuple[CapacityLevel, ...] = ()


class Capacity(Contract, frozen=True, kw_only=True):
    """What a run measured, per service; `wall_ms` is when."""

    schema: int = 1
    run: str
    wall_ms: int
    services: dict[str, ServiceCapacity]
