"""Which nodes to make and which to take away so that the pools are as asked for. Pure."""

from collections.abc import Iterable, Iterator

import msgspec

from contracts.cluster import NodePool
from local.clusters_objects import SCALED_LABEL, SETTINGS_LABEL, Node, settings_digest


class PoolNode(msgspec.Struct, frozen=True, kw_only=True):
    """A node that is there; `whole` is false for one that can only be replaced."""

    name: str
    pool: str
    settings: str
    scaled: bool = False
    created: str = ""
    whole: bool = True

    @property
    def number(self) -> int:
        """What stands behind the pool's name; 0 when that is no number."""
        tail = self.name.rpartition("-")[2]
        return int(tail) if tail.isascii() and tail.isdigit() else 0


class NewNode(msgspec.Struct, frozen=True, kw_only=True):
    """A node to make."""

    name: str
    pool: NodePool
    scaled: bool = False


class NodePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do: first make, then take away, so that pods of a replaced node have somewhere to go."""

    make: tuple[NewNode, ...] = ()
    take: tuple[str, ...] = ()


def pool_node(node: Node, *, whole: bool) -> PoolNode:
    """What the plan needs to know of a node object."""
    labels = node.metadata.labels
    return PoolNode(
        name=node.metadata.name,
        pool=node.pool,
        settings=labels.get(SETTINGS_LABEL, ""),
        scaled=SCALED_LABEL in labels,
        created=node.metadata.creation_timestamp,
        whole=whole,
    )


def plan_nodes(pools: Iterable[NodePool], nodes: Iterable[PoolNode]) -> NodePlan:
    """The plan. Nodes of other settings, broken ones, and those of pools that are gone are taken away.

    Too many: the newest go first. Nodes the scaler added are counted apart: they go only when `nodes_max` is
    passed.
    """
    wanted = {pool.name: pool for pool in pools}
    found = tuple(nodes)
    make: list[NewNode] = []
    take = [it.name for it in found if it.pool not in wanted]
    for pool in wanted.values():
        mine = sorted((it for it in found if it.pool == pool.name), key=_age)
        stays = tuple(it for it in mine if it.whole and it.settings == settings_digest(pool))
        take += [it.name for it in mine if it not in stays]
        kept = [it for it in stays if not it.scaled]
        added = [it for it in stays if it.scaled]
        take += [it.name for it in kept[pool.nodes :]]
        take += [it.name for it in added[max(0, pool.nodes_max - pool.nodes) :]]
        make += new_nodes(pool, mine, count=pool.nodes - len(kept), scaled=False)
    return NodePlan(make=tuple(make), take=tuple(take))


def new_nodes(
    pool: NodePool, there: Iterable[PoolNode], *, count: int, scaled: bool
) -> Iterator[NewNode]:
    """`count` nodes with numbers above every one in use: none has the name of one that is just going."""
    first = max((it.number for it in there), default=0) + 1
    for number in range(first, first + count):
        yield NewNode(name=f"{pool.name}-{number}", pool=pool, scaled=scaled)


def _age(node: PoolNode) -> tuple[str, int, str]:
    return (node.created, node.number, node.name)
