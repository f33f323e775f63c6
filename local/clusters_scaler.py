"""The pool scaler of one cluster, a process of its own: looks each second, and acts as `clusters_scaling` says.

It ends by itself when the cluster is gone. While somebody else changes the cluster it waits its turn.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from contracts.cluster import NodePool, Site
from local.clusters import nodes_of
from local.clusters_api import Api, ApiError
from local.clusters_block import ExhaustedError
from local.clusters_ground import groups
from local.clusters_network import NetworkError
from local.clusters_nodes import Nodes
from local.clusters_objects import SCALED_LABEL, Node, Pod
from local.clusters_pools import NewNode, new_nodes, pool_node
from local.clusters_scaling import PoolView, Scaling, step
from local.clusters_state import ClusterFiles, Record
from runtime.locks import LockHeldError

LOOK_S = 1.0
DELAY_S = (3.0, 8.0)
"""How long a new node takes; a cloud's takes one to three minutes, a run here does not last that long."""
COMING_S = 60.0
"""A node not Ready for longer than this after it was made is not coming any more."""
LOCK_S = 0.5

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Scaler:
    """The scaler; `chance` draws how long nodes take."""

    def __init__(self, files: ClusterFiles, chance: random.Random) -> None:
        self._files, self._chance = files, chance
        self._state = Scaling()

    def look(self, record: Record, api: Api, *, now_s: float) -> None:
        """Look once and act. Raises `ApiError`, `LockHeldError`: then nothing was remembered either."""
        block = self._files.read_block()
        if block is None:
            return
        nodes = nodes_of(self._files, block, spec=record.spec, api=api, found=groups())
        pods = nodes.pods()
        found = step(
            self._state,
            views(record.spec.pools, nodes.all(), pods, now=datetime.now(UTC)),
            [pod for pod in pods if pod.is_unschedulable],
            draw_s=lambda: self._chance.uniform(*DELAY_S),
            now_s=now_s,
        )
        if found.add or found.remove:
            log.info("scaling", add=found.add, remove=found.remove)
            with self._files.site_lock(wait_s=LOCK_S):
                self._act(nodes, found.add, found.remove)
        self._state = found.state

    def _act(self, nodes: Nodes, add: dict[str, int], remove: tuple[str, ...]) -> None:
        record = self._files.read_record()
        if record is None:
            return
        new = tuple(_new(record.spec.pools, nodes.all(), add))
        slot = nodes.make(new, slot=record.slot)
        self._files.write_record(msgspec.structs.replace(record, slot=slot))
        nodes.take(remove)


def views(
    pools: Iterable[NodePool], nodes: Iterable[Node], pods: Iterable[Pod], *, now: datetime
) -> Iterator[PoolView]:
    """Each pool that is scaled."""
    busy: dict[str, int] = {}
    for pod in pods:
        if pod.spec.node_name and not pod.is_daemon:
            busy[pod.spec.node_name] = busy.get(pod.spec.node_name, 0) + 1
    found = tuple(nodes)
    for pool in pools:
        mine = [node for node in found if node.pool == pool.name]
        added = [node.metadata.name for node in mine if SCALED_LABEL in node.metadata.labels]
        yield PoolView(
            pool=pool,
            nodes=len(mine),
            coming=sum(_is_coming(node, now) for node in mine),
            added={name: busy.get(name, 0) for name in added},
        )


def _is_coming(node: Node, now: datetime) -> bool:
    made = datetime.fromisoformat(node.metadata.creation_timestamp)
    return not node.is_ready and (now - made).total_seconds() < COMING_S


def _new(
    pools: Iterable[NodePool], nodes: Iterable[Node], add: dict[str, int]
) -> Iterator[NewNode]:
    found = tuple(pool_node(node, whole=True) for node in nodes)
    for pool in pools:
        if pool.name in add:
            mine = [it for it in found if it.pool == pool.name]
            count = min(add[pool.name], max(0, pool.nodes_max - len(mine)))
            yield from new_nodes(pool, mine, count=count, scaled=True)


def run(files: ClusterFiles) -> None:
    """Look until the cluster is gone or no pool of it is scaled any more."""
    scaler = Scaler(files, random.Random())
    while True:
        record = files.read_record()
        if record is None or not any(pool.nodes_max for pool in record.spec.pools):
            return
        try:
            with Api(files.kubeconfig) as api:
                scaler.look(record, api, now_s=time.monotonic())
        except (ApiError, ExhaustedError, LockHeldError, NetworkError, OSError) as error:
            log.warning("not now", reason=str(error))
        time.sleep(LOOK_S)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m local.clusters_scaler", description=__doc__)
    parser.add_argument("--root", required=True, type=Path)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--site", required=True, choices=("public", "private"))
    asked = parser.parse_args()
    site: Site = asked.site
    run(ClusterFiles(asked.root, asked.environment, site))
    return 0


if __name__ == "__main__":
    sys.exit(main())
