"""Node pools as they are, and by which object their nodes are held. Pure.

A placeholder pod keeps one node: required anti-affinity puts each on a node of its own, so `replicas` of them are
exactly the nodes the pool has at least, whatever adds nodes for Pending pods. They ask for next to nothing, so
nothing has to be preempted when the workload's own pods come; on a fixed pool they ask for most of a node, and
what they keep out is everything of a lower priority.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from autoscale.kube.objects import Buffer, Node, Scalable
from autoscale.targets.snapshot import Snapshot

POOL_LABEL = "isthmus.dev/pool"
CLASS_LABEL = "isthmus.dev/class"
HOLDS_LABEL = "isthmus.dev/holds"
BUFFER_S = 120.0
"""So long a CapacityBuffer may take to be accepted before placeholder pods are used in its place."""

Means = Literal["buffer", "placeholder", "group"]


class GroupSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A cloud's node group: its minimum and maximum."""

    minimum: int
    maximum: int


class PoolSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One pool: nodes Ready, the minimum in force, and by what means it is held.

    `standing` is what holds it now, None while nothing of ours does. `traffic_class` is its nodes' own label.
    """

    pool: str
    ready: int
    minimum: int
    maximum: int | None
    means: Means
    standing: Scalable | Buffer | GroupSeen | None
    stale: Scalable | Buffer | None = None
    traffic_class: str = ""

    @property
    def ours(self) -> bool:
        """Whether something of ours holds nodes."""
        return self.standing is not None and not isinstance(self.standing, GroupSeen)


class PoolTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say of a pool; a `fixed` one has the nodes it has."""

    means: Means | Literal["auto"] = "auto"
    maximum: int | None = None
    fixed: bool = False


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Where holders stand (the controller's namespace), what the settings say, and what clouds say of groups."""

    namespace: str
    terms: Mapping[str, PoolTerms]
    groups: Mapping[str, GroupSeen]


def holder(pool: str) -> str:
    """The name of the object that holds a pool's nodes."""
    return f"isthmus-hold-{pool}"


def pools_seen(
    snapshot: Snapshot, wanted: Iterable[str], *, now: datetime, ground: Ground
) -> dict[str, PoolSeen]:
    """Every pool asked for, also one that has no node yet."""
    nodes: dict[str, list[Node]] = {}
    for node in snapshot.nodes.values():
        nodes.setdefault(node.metadata.labels.get(POOL_LABEL, ""), []).append(node)
    found: dict[str, PoolSeen] = {}
    for pool in wanted:
        said = ground.terms.get(pool, PoolTerms())
        key = f"{ground.namespace}/{holder(pool)}"
        pods, buffer = snapshot.deployments.get(key), snapshot.buffers.get(key)
        means = _means(said, snapshot, pods=pods, buffer=buffer, now=now)
        mine = nodes.get(pool, [])
        standing = {"buffer": buffer, "placeholder": pods, "group": ground.groups.get(pool)}[means]
        found[pool] = PoolSeen(
            pool=pool, ready=sum(node.ready is not None for node in mine), means=means, standing=standing,
            stale=buffer if means == "placeholder" else pods if means == "buffer" else None,
            minimum=_minimum(standing), maximum=_maximum(said, standing, mine),
            traffic_class=next((n.metadata.labels.get(CLASS_LABEL, "") for n in mine), ""),
        )  # fmt: skip
    return found


def _means(
    said: PoolTerms, snapshot: Snapshot, *, pods: Scalable | None, buffer: Buffer | None, now: datetime
) -> Means:  # fmt: skip
    if said.means != "auto":
        return said.means
    if not snapshot.buffer_version:
        return "placeholder"
    # what stands already stays: changing the means in the middle would let nodes go
    if pods is not None and buffer is None:
        return "placeholder"
    return "placeholder" if buffer is not None and _is_ignored(buffer, now) else "buffer"


def _is_ignored(buffer: Buffer, now: datetime) -> bool:
    """Served, but nobody acts on it: no condition says yes, for longer than an autoscaler needs."""
    made = buffer.metadata.creation_timestamp
    if made is None or (now - made).total_seconds() < BUFFER_S:
        return False
    good = {"ReadyForProvisioning", "Provisioning"}
    return not any(c.type in good and c.status == "True" for c in buffer.status.conditions)


def _minimum(standing: Scalable | Buffer | GroupSeen | None) -> int:
    match standing:
        case None:
            return 0
        case GroupSeen():
            return standing.minimum
        case _:
            return standing.spec.replicas


def _maximum(
    said: PoolTerms, standing: Scalable | Buffer | GroupSeen | None, nodes: list[Node]
) -> int | None:
    if said.maximum is not None:
        return said.maximum
    if isinstance(standing, GroupSeen):
        return standing.maximum
    return len(nodes) if said.fixed else None
