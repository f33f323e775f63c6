"""Promotions and worlds for the planner's tests, each with one knob turned."""

from datetime import UTC, datetime, timedelta

import msgspec

from autoscale.plan.claims import Claims, Share
from autoscale.plan.curves import Curves
from autoscale.plan.model import Forecast, Observed, PoolObserved, Timing, WorkloadObserved, World
from autoscale.plan.prepare import Prepared, prepare
from contracts.promotion import (
    PromotedNodes,
    PromotedWorkload,
    Promotion,
    PromotionSpec,
    WorkloadRef,
)

START = datetime(2026, 11, 11, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ADS = "HorizontalPodAutoscaler/default/ads"
TIMING = Timing(node_s={"ads": 240.0}, pod_s={ADS: 60.0})
NODES = (PromotedNodes(pool="ads", add=10),)


def workload(name: str = "ads", **changes: object) -> PromotedWorkload:
    """850 requests/s at 100 each and 85 %: 10 replicas, 4 on a node."""
    known: dict[str, object] = {
        "name": name, "ref": WorkloadRef(name=name), "expected_peak": 850.0,
        "capacity_per_replica": 100.0, "pool": "ads", "replicas_per_node": 4,
    }  # fmt: skip
    return msgspec.structs.replace(PromotedWorkload(**known), **changes)


def sale(name: str = "sale", **changes: object) -> Promotion:
    """Two hours from START, Auto; changes are of its spec."""
    known: dict[str, object] = {
        "start": START, "end": START + 2 * HOUR, "mode": "Auto", "workloads": (workload(),),
    }  # fmt: skip
    return Promotion(name=name, spec=PromotionSpec(**(known | changes)))


def seen(**changes: object) -> WorkloadObserved:
    """Four replicas, ready, nothing of ours, traffic known to be gone."""
    known: dict[str, object] = {
        "replicas": 4, "ready": 4, "floor": 4, "ceiling": 20, "demand": 0.0, "demand_high": 0.0,
    }  # fmt: skip
    return WorkloadObserved(**(known | changes))


def observed(pool: PoolObserved | None = None, **changes: object) -> Observed:
    """The one workload, with changes, and the one pool."""
    return Observed(
        workloads={ADS: seen(**changes)},
        pools={"ads": pool or PoolObserved(ready=3, minimum=3, maximum=100)},
    )  # fmt: skip


def world(at: datetime = START, what: Observed | None = None) -> World:
    return World(at.timestamp(), what or observed(), TIMING)


def prepared(
    promotion: Promotion | None = None, *, at: datetime = START, what: Observed | None = None,
    forecasts: tuple[Forecast, ...] = (),
) -> Prepared:  # fmt: skip
    return prepare(world(at, what), promotion or sale(), Curves(forecasts))


def claims(*holding: Prepared, ended: tuple[Prepared, ...] = ()) -> Claims:
    """What these say of the one workload."""
    return Claims(
        key=ADS, ordinary=None,
        holding=tuple(Share(one, one.parts[0]) for one in holding),
        ended=tuple(Share(one, one.parts[0]) for one in ended),
    )  # fmt: skip


def curve(*demand: float, **changes: object) -> Forecast:
    """One value an hour from an hour before START."""
    known: dict[str, object] = {
        "promotion": "default/sale", "workload": ADS, "quantile": 0.9, "begins": START - HOUR,
        "step_s": 3600.0, "demand": demand,
    }  # fmt: skip
    return Forecast(**(known | changes))
