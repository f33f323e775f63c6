"""What the planner is shown: promotions as stored, workloads and pools with the records that count for them. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from autoscale.control.claims import Claim, Word, word_of
from autoscale.kube.objects import Meta, PromotionObject
from autoscale.manifest import APPROVED
from autoscale.plan.budget import HOUR_S
from autoscale.plan.model import Observed, PoolObserved, WorkloadObserved
from autoscale.targets.managed import status_written
from autoscale.targets.pools import HOLDS_LABEL, Ground, GroupSeen, PoolSeen, PoolTerms, pools_seen
from autoscale.targets.snapshot import Snapshot
from autoscale.targets.workloads import Target, target_of
from contracts.promotion import (
    PoolBaseline,
    Promotion,
    PromotionSpec,
    PromotionStatus,
    workload_keys,
)


class Demand(msgspec.Struct, frozen=True):
    """Live demand of a workload in requests per second: now, and its highest over a while; None: not known."""

    now: float | None = None
    high: float | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is not in the API server: demand by workload, cloud node groups by pool, capacity by workload.

    `nodes_now` is what each promotion held of nodes at the last pass, for the account of node-hours.
    """

    demand: Mapping[str, Demand] = msgspec.field(default_factory=dict[str, Demand])
    groups: Mapping[str, GroupSeen] = msgspec.field(default_factory=dict[str, GroupSeen])
    capacity: Mapping[str, float] = msgspec.field(default_factory=dict[str, float])
    nodes_now: Mapping[str, int] = msgspec.field(default_factory=dict[str, int])


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Of the settings: the controller's namespace and what it knows of pools."""

    namespace: str
    pools: Mapping[str, PoolTerms] = msgspec.field(default_factory=dict[str, PoolTerms])


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One promotion as stored; `promotion` is None where its spec or status cannot be read: `fault` says why."""

    key: str
    meta: Meta
    promotion: Promotion | None
    status: PromotionStatus
    fault: str = ""

    @property
    def deleting(self) -> bool:
        """Whether it only waits for its finalizer."""
        return self.meta.deletion_timestamp is not None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at everything; `observed` is what the planner gets of it."""

    now: datetime
    seen: dict[str, Seen]
    targets: dict[str, Target]
    words: dict[str, Word]
    pools: dict[str, PoolSeen]
    observed: Observed

    @property
    def planned(self) -> list[Promotion]:
        """The promotions that are planned for: readable ones that stay."""
        return [
            one.promotion for one in self.seen.values() if one.promotion is not None and not one.deleting
        ]  # fmt: skip


def look(snapshot: Snapshot, now: datetime, *, known: Known, terms: Terms) -> Look:
    """Read everything once."""
    seen = {key: _seen(key, one) for key, one in sorted(snapshot.promotions.items())}
    targets: dict[str, Target] = {}
    for key in _workloads(seen.values()):
        target = target_of(key, snapshot)
        if target is not None:
            targets[key] = target
    claims = _claims(seen.values(), now)
    words = {key: word_of(target, claims.get(key, ())) for key, target in targets.items()}
    pools = pools_seen(
        snapshot, _pools(seen.values(), snapshot, terms), now=now,
        ground=Ground(namespace=terms.namespace, terms=terms.pools, groups=known.groups),
    )  # fmt: skip
    leaving = _leaving(seen.values())
    observed = Observed(
        workloads={
            key: _workload(target, words[key], known, leaving.get(key))
            for key, target in targets.items()
        },
        pools={key: _pool(pool, _recorded(key, seen.values())) for key, pool in pools.items()},
        spent_node_hours={
            key: spent(one, now, nodes=known.nodes_now.get(key, 0)) for key, one in seen.items()
        },
    )  # fmt: skip
    return Look(now=now, seen=seen, targets=targets, words=words, pools=pools, observed=observed)


def _seen(key: str, stored: PromotionObject) -> Seen:
    meta = stored.metadata
    try:
        status = msgspec.json.decode(stored.status, type=PromotionStatus)
    except msgspec.MsgspecError as error:
        fault = f"status cannot be read: {error}; nothing is scaled, delete the promotion"
        return Seen(key=key, meta=meta, promotion=None, status=PromotionStatus(), fault=fault)
    try:
        spec = msgspec.json.decode(stored.spec, type=PromotionSpec)
    except msgspec.MsgspecError as error:
        fault = f"spec cannot be read: {error}; correct the named field"
        return Seen(key=key, meta=meta, promotion=None, status=status, fault=fault)
    promotion = Promotion(
        namespace=meta.namespace, name=meta.name, spec=spec, created=meta.creation_timestamp,
        approved=meta.annotations.get(APPROVED) == "true",
    )  # fmt: skip
    return Seen(key=key, meta=meta, promotion=promotion, status=status)


def _workloads(seen: Iterable[Seen]) -> list[str]:
    """Those that are named, and those that a record speaks of though nobody names them any more."""
    found: dict[str, None] = {}
    for one in seen:
        if one.promotion is not None:
            found |= dict.fromkeys(workload_keys(one.promotion))
        for entry in one.status.baselines:
            found[entry.workload] = None
    return list(found)


def _pools(seen: Iterable[Seen], snapshot: Snapshot, terms: Terms) -> list[str]:
    found: dict[str, None] = {}
    for one in seen:
        if one.promotion is not None:
            found |= {entry.pool: None for entry in one.promotion.spec.nodes}
            found |= {w.pool: None for w in one.promotion.spec.workloads if w.pool is not None}
        found |= {entry.pool: None for entry in one.status.pool_baselines}
    # what holds nodes though no promotion speaks of the pool any more is let go
    for held in (*snapshot.deployments.values(), *snapshot.buffers.values()):
        pool = held.metadata.labels.get(HOLDS_LABEL, "")
        if pool and held.metadata.namespace == terms.namespace:
            found[pool] = None
    return list(found)


def _is_current(one: Seen, now: datetime) -> bool:
    return one.promotion is not None and not one.deleting and now < one.promotion.spec.end


def _claims(seen: Iterable[Seen], now: datetime) -> dict[str, list[Claim]]:
    found: dict[str, list[Claim]] = {}
    for one in seen:
        for entry in one.status.baselines:
            claim = Claim(one.key, entry, _is_current(one, now))
            found.setdefault(entry.workload, []).append(claim)
    return found


def _workload(target: Target, word: Word, known: Known, leaving: float | None) -> WorkloadObserved:
    demand = known.demand.get(target.key, Demand())
    baseline = word.baseline
    return WorkloadObserved(
        replicas=target.replicas, ready=target.ready, floor=target.floor, ceiling=target.ceiling,
        desired=target.desired, owner=word.owner,
        baseline=None if baseline is None else baseline.floor,
        baseline_ceiling=None if baseline is None else baseline.ceiling,
        floor_since=target.floor_since, demand=demand.now, demand_high=demand.high,
        capacity=known.capacity.get(target.key, leaving),
    )  # fmt: skip


def _leaving(seen: Iterable[Seen]) -> dict[str, float]:
    """Capacity as deleted promotions say it, where none that stays names the workload.

    They are not planned for any more, but traffic must still be judged to let go of what they raised.
    """
    said: dict[str, float] = {}
    staying = set[str]()
    for one in seen:
        if one.promotion is None:
            continue
        keys = workload_keys(one.promotion)
        for key, workload in zip(keys, one.promotion.spec.workloads, strict=True):
            each = workload.capacity_per_replica
            if not one.deleting:
                staying.add(key)
            elif each is not None:
                said[key] = min(each, said.get(key, each))
    return {key: each for key, each in said.items() if key not in staying}


def _recorded(pool: str, seen: Iterable[Seen]) -> PoolBaseline | None:
    """The record of a pool, the smallest of several: what nobody of ours had added yet."""
    entries = [
        entry for one in seen for entry in one.status.pool_baselines if entry.pool == pool
    ]  # fmt: skip
    return min(entries, key=lambda one: (one.ready, one.minimum), default=None)


def _pool(pool: PoolSeen, recorded: PoolBaseline | None) -> PoolObserved:
    return PoolObserved(
        ready=pool.ready, minimum=pool.minimum, maximum=pool.maximum,
        baseline=None if recorded is None else recorded.minimum,
        baseline_ready=None if recorded is None else recorded.ready,
    )  # fmt: skip


def spent(one: Seen, now: datetime, *, nodes: int) -> float:
    """Node-hours used so far: what the status says, and what was held since that was written."""
    written = status_written(one.meta.managed_fields)
    since_s = 0.0 if written is None else max(0.0, (now - written).total_seconds())
    return one.status.spent_node_hours + nodes * since_s / HOUR_S
