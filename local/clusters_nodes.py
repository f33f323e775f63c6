"""The nodes of a cluster made as many as asked for; those that go are emptied first, as a real pool does."""

import ipaddress
import time
from collections.abc import Iterable, Iterator

import msgspec

from contracts.cluster import ClusterSpec, NodePool, Site
from local.clusters_agents import Agents
from local.clusters_api import MERGE_PATCH, Api, ApiError, Method
from local.clusters_block import Block, draw_slots, node_subnet
from local.clusters_objects import (
    RUNTIME_LABEL,
    SCALED_LABEL,
    SETTINGS_LABEL,
    Node,
    NodeList,
    Pod,
    PodList,
    kwok_node,
)
from local.clusters_pools import NewNode, PoolNode, plan_nodes, pool_node

POLL_S = 0.2
DRAIN_S = 20.0
"""How long pods of a node that goes may take to end, and their budgets may refuse; then they are cut off."""
READY_S = 40.0
NOT_FOUND, CONFLICT = 404, 409
TOO_MANY_REQUESTS = 429
"""What the eviction of a pod is answered that a disruption budget protects just now."""


class NodesError(Exception):
    """Nodes are not Ready in time: which, where to look."""


class Nodes:
    """The nodes of one cluster, through its API server; `agents` is None where there is no cgroup v2."""

    def __init__(self, api: Api, agents: Agents | None, *, block: Block, site: Site) -> None:
        self._api, self._agents = api, agents
        self._net = block.site(site)

    def all(self) -> tuple[Node, ...]:
        """Every node that is in a pool."""
        nodes = msgspec.json.decode(self._api.ask("GET", "/api/v1/nodes"), type=NodeList).items
        return tuple(node for node in nodes if node.pool)

    def pods(self) -> tuple[Pod, ...]:
        """Every pod that is not over."""
        pods = msgspec.json.decode(self._api.ask("GET", "/api/v1/pods"), type=PodList).items
        return tuple(pod for pod in pods if not pod.is_over)

    def reconcile(self, spec: ClusterSpec, *, slot: int) -> int:
        """Make the pools as asked for; returns the last node network drawn."""
        nodes = self.all()
        plan = plan_nodes(spec.pools, self._known(nodes))
        self._start_agents(plan.take)
        slot = self.make(plan.make, slot=slot)
        self.take(plan.take)
        return slot

    def _known(self, nodes: Iterable[Node]) -> Iterator[PoolNode]:
        """Nodes the API server knows, and agents whose node it does not: those are replaced."""
        settings = self._agents.settings() if self._agents else {}
        names = set[str]()
        for node in nodes:
            name = node.metadata.name
            names.add(name)
            is_process = node.metadata.labels.get(RUNTIME_LABEL) == "process"
            yield pool_node(node, whole=name in settings or not is_process)
        for name, it in settings.items():
            if name not in names:
                labels = it.labels
                yield PoolNode(
                    name=name,
                    pool=it.pool,
                    settings=labels.get(SETTINGS_LABEL, ""),
                    scaled=SCALED_LABEL in labels,
                    whole=False,
                )

    def _start_agents(self, going: Iterable[str]) -> None:
        """A node that died is started again under its name."""
        if self._agents is None:
            return
        running = self._agents.running()
        for name in self._agents.settings().keys() - running.keys() - set(going):
            self._agents.start(name)

    def make(self, new: Iterable[NewNode], *, slot: int) -> int:
        """Make nodes; returns the last node network drawn. Raises `ExhaustedError`, `ApiError`."""
        wanted = tuple(new)
        slots = draw_slots(self._slots(), len(wanted), after=slot)
        for it, number in zip(wanted, slots, strict=True):
            self._make(it, node_subnet(self._net.pods, number))
        return slots[-1] if slots else slot

    def _slots(self) -> Iterator[int]:
        settings = self._agents.settings().values() if self._agents else ()
        networks = [node.spec.pod_cidr for node in self.all()] + [it.network for it in settings]
        for text in networks:
            if text:
                yield ipaddress.IPv4Network(text).network_address.packed[2]

    def _make(self, new: NewNode, subnet: str) -> None:
        pool: NodePool = new.pool
        if pool.runtime == "process":
            if self._agents:
                self._agents.add(new.name, pool, subnet=subnet, scaled=new.scaled)
            return
        node = kwok_node(
            new.name, pool, subnet=subnet, address=self._net.management, scaled=new.scaled
        )
        self._ask_unless("POST", "/api/v1/nodes", CONFLICT, body=node)

    def take(self, names: Iterable[str]) -> None:
        """Take nodes away: no new pods, the old ones out, then the node. Raises `ApiError`, `OSError`."""
        going = frozenset(names)
        if not going:
            return
        for name in going:
            self._ask_unless(
                "PATCH", f"/api/v1/nodes/{name}", NOT_FOUND, body={"spec": {"unschedulable": True}}
            )
        self._drain(going)
        for name in sorted(going):
            if self._agents:
                self._agents.end(name)
            self._ask_unless("DELETE", f"/api/v1/nodes/{name}", NOT_FOUND)
        for pod in self._on(going):
            # nobody is left to say that they ended
            self._ask_unless("DELETE", _path(pod), NOT_FOUND, body={"gracePeriodSeconds": 0})

    def _drain(self, going: frozenset[str]) -> None:
        deadline = time.monotonic() + DRAIN_S
        while pods := [it for it in self._on(going) if not it.is_daemon]:
            if time.monotonic() > deadline:
                return
            for pod in pods:
                if not pod.metadata.deletion_timestamp:
                    self._evict(pod)
            time.sleep(POLL_S)

    def _evict(self, pod: Pod) -> None:
        meta = {"name": pod.metadata.name, "namespace": pod.metadata.namespace}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
        try:
            self._ask_unless("POST", f"{_path(pod)}/eviction", NOT_FOUND, body=body)
        except ApiError as error:
            if error.status != TOO_MANY_REQUESTS:
                raise

    def _on(self, going: frozenset[str]) -> list[Pod]:
        return [pod for pod in self.pods() if pod.spec.node_name in going]

    def await_ready(self, spec: ClusterSpec) -> None:
        """Wait until every pool has its nodes Ready. Raises `NodesError`."""
        deadline = time.monotonic() + READY_S
        while short := tuple(self._short(spec)):
            if time.monotonic() > deadline:
                raise NodesError(
                    f"after {READY_S:g} s: {', '.join(short)}; expected every node Ready. "
                    "fix: see kubectl describe node, and the agents' logs beside the kubeconfig; then apply again"
                )
            time.sleep(POLL_S)

    def _short(self, spec: ClusterSpec) -> Iterator[str]:
        ready = ready_nodes(spec.pools, self.all())
        for pool in spec.pools:
            if ready[pool.name] < pool.nodes and (self._agents or pool.runtime == "kwok"):
                yield f"pool {pool.name} has {ready[pool.name]} of {pool.nodes} nodes Ready"
        if self._agents:
            silent = (it for it in self._agents.settings() if not self._agents.is_ready(it))
            yield from (f"the agent of {name} is not ready" for name in silent)

    def _ask_unless(self, method: Method, path: str, status: int, *, body: object = None) -> None:
        """Ask; that one status is as good as done."""
        content = MERGE_PATCH if method == "PATCH" else "application/json"
        try:
            self._api.ask(method, path, body=body, content=content)
        except ApiError as error:
            if error.status != status:
                raise


def ready_nodes(pools: Iterable[NodePool], nodes: Iterable[Node]) -> dict[str, int]:
    """How many nodes of each pool are Ready; pools that were not asked about are counted too."""
    counted = dict.fromkeys((pool.name for pool in pools), 0)
    for node in nodes:
        counted[node.pool] = counted.get(node.pool, 0) + node.is_ready
    return counted


def _path(pod: Pod) -> str:
    return f"/api/v1/namespaces/{pod.metadata.namespace}/pods/{pod.metadata.name}"
