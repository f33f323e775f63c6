"""What a pool scaler does: a Pending pod orders a node that comes after a while, an idle one goes. Pure.

It counts like a cluster autoscaler: how many empty nodes would take all pods that found no place, first fit.
"""

from collections.abc import Callable, Iterable

import msgspec

from contracts.cluster import NodePool
from local.clusters_objects import CLASS_LABEL, POOL_LABEL, RUNTIME_LABEL, Pod, taints_of

IDLE_S = 30.0
"""How long a node has to be without pods. A real one waits ten minutes; a run here does not last that long."""
HOLDING_EFFECTS = {"NoSchedule", "NoExecute"}
MEBIBYTE = 1 << 20


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A node that will be there at `due_s`."""

    pool: str
    due_s: float


class Scaling(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered from one look to the next: orders under way, and since when which node is idle."""

    orders: tuple[Order, ...] = ()
    idle_since_s: dict[str, float] = msgspec.field(default_factory=dict[str, float])


class PoolView(msgspec.Struct, frozen=True, kw_only=True):
    """One pool as it is.

    `nodes` counts all its nodes, `coming` those of them that are just starting; `added` says how many pods keep
    each node busy that the scaler added.
    """

    pool: NodePool
    nodes: int
    coming: int = 0
    added: dict[str, int]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What to do now, and what to remember. `add` counts nodes by pool."""

    state: Scaling
    add: dict[str, int]
    remove: tuple[str, ...]


def step(
    state: Scaling,
    views: Iterable[PoolView],
    pending: Iterable[Pod],
    *,
    draw_s: Callable[[], float],
    now_s: float,
) -> Step:
    """One look; `draw_s` draws how long a new node takes. A pool of `nodes_max` 0 is left alone."""
    waiting = tuple(pending)
    steps = [
        _pool_step(state, view, nodes_needed(view.pool, waiting), draw_s=draw_s, now_s=now_s)
        for view in views
        if view.pool.nodes_max
    ]
    return Step(
        state=Scaling(
            orders=tuple(order for it in steps for order in it.state.orders),
            idle_since_s={
                name: since for it in steps for name, since in it.state.idle_since_s.items()
            },
        ),
        add={pool: count for it in steps for pool, count in it.add.items()},
        remove=tuple(name for it in steps for name in it.remove),
    )


def _pool_step(
    state: Scaling, view: PoolView, needed: int, *, draw_s: Callable[[], float], now_s: float
) -> Step:
    name = view.pool.name
    room = max(0, view.pool.nodes_max - view.nodes)
    wanted = min(max(0, needed - view.coming), room)
    known = sorted((it for it in state.orders if it.pool == name), key=lambda it: it.due_s)
    # pods that found a place meanwhile need no node: the last orders are taken back
    orders = known[:wanted]
    orders += [Order(pool=name, due_s=now_s + draw_s()) for _ in range(wanted - len(orders))]
    due = sum(it.due_s <= now_s for it in orders)
    idle = {
        node: state.idle_since_s.get(node, now_s) for node, pods in view.added.items() if not pods
    }
    over = max(0, view.nodes - view.pool.nodes)
    # while pods wait for a node none is taken away
    long = [node for node, since_s in idle.items() if now_s - since_s >= IDLE_S and not needed]
    gone = long[:over]
    return Step(
        state=Scaling(
            orders=tuple(it for it in orders if it.due_s > now_s),
            idle_since_s={node: since for node, since in idle.items() if node not in gone},
        ),
        add={name: due} if due else {},
        remove=tuple(gone),
    )


def nodes_needed(pool: NodePool, pending: Iterable[Pod]) -> int:
    """How many empty nodes of the pool would take every pod that found no place and may run there."""
    free: list[tuple[int, int, int]] = []
    whole = (pool.cpu_millicores, pool.memory_mib * MEBIBYTE, pool.pods_max)
    for pod in pending:
        asked = (pod.cpu_millicores, pod.memory_bytes, 1)
        if not _may_run(pod, pool) or not _fits(asked, whole):
            continue
        place = next((index for index, it in enumerate(free) if _fits(asked, it)), None)
        if place is None:
            free.append(whole)
            place = len(free) - 1
        left = free[place]
        free[place] = (left[0] - asked[0], left[1] - asked[1], left[2] - asked[2])
    return len(free)


def _fits(asked: tuple[int, int, int], free: tuple[int, int, int]) -> bool:
    return all(need <= there for need, there in zip(asked, free, strict=True))


def _may_run(pod: Pod, pool: NodePool) -> bool:
    """Only a pod that names the pool: one that would run anywhere is no reason to grow every pool."""
    labels = {
        POOL_LABEL: pool.name, RUNTIME_LABEL: pool.runtime, CLASS_LABEL: pool.traffic_class,
    }  # fmt: skip
    selector = pod.spec.node_selector
    if selector.get(POOL_LABEL) != pool.name:
        return False
    if any(labels[key] != value for key, value in selector.items() if key in labels):
        return False
    return all(
        any(toleration.covers(taint) for toleration in pod.spec.tolerations)
        for taint in taints_of(pool)
        if taint.effect in HOLDING_EFFECTS
    )
