"""Pods and nodes in virtual time: who waits for room, who is starting, what is ready, what a node costs.

Counts, not objects: pods of one workload are alike. Node scale-in takes pods to be packed tightly (a drained pod is
elsewhere at once); that flatters every policy alike and is the backtest's own assumption.
"""

import heapq
import math
from collections import deque

import numpy as np

from autoscale.simulate.ground import Ground


class Cluster:
    """A workload's pods on one node pool; the caller moves time with `advance` and acts at that time."""

    __slots__ = (
        "_cold", "_ground", "_launched", "_pulls", "_rng", "_starting", "_unneeded", "failures", "node_floor",
        "nodes", "ready", "ready_since", "starting", "waiting",
    )  # fmt: skip

    def __init__(self, ground: Ground, rng: np.random.Generator, *, replicas: int) -> None:
        self._ground, self._rng = ground, rng
        self.ready = replicas
        self.ready_since: deque[list[float]] = deque([[-math.inf, replicas]])
        """Batches [ready at, pods], oldest first: who has been up long enough to have a sample."""
        self.starting = self.waiting = 0
        self.nodes = math.ceil(replicas / ground.nodes.pods_per_node)
        self.node_floor = 0
        self.failures = 0
        self._starting: list[tuple[float, int]] = []
        self._launched: list[tuple[float, bool]] = []
        self._cold: deque[list[float]] = deque()
        self._pulls: list[float] = []
        self._unneeded: deque[tuple[float, int]] = deque()

    @property
    def replicas(self) -> int:
        """Pods that exist, in whatever state."""
        return self.ready + self.starting + self.waiting

    @property
    def launched(self) -> int:
        """Nodes asked for and not there yet."""
        return len(self._launched)

    def next_change_s(self) -> float:
        """When the next pod or node changes by itself."""
        pod = self._starting[0][0] if self._starting else math.inf
        node = self._launched[0][0] if self._launched else math.inf
        return min(pod, node)

    def settle(self, now_s: float) -> None:
        """Let everything happen that is due: nodes arrive, then pods start or become ready."""
        while self._launched and self._launched[0][0] <= now_s:
            _, arrived = heapq.heappop(self._launched)
            if arrived:
                self.nodes += 1
                held = self.nodes <= self.node_floor  # a placeholder pulls the image at once
                pulled_s = self._pull(now_s) if held else math.inf
                self._cold.append([pulled_s, self._ground.nodes.pods_per_node])
            else:
                self.failures += 1
        while self._starting and self._starting[0][0] <= now_s:
            _, count = heapq.heappop(self._starting)
            self.starting -= count
            self.ready += count
            self.ready_since.append([now_s, count])
        if self.waiting:
            self._schedule(now_s)

    def scale(self, now_s: float, replicas: int) -> None:
        """Have `replicas` pods: new ones wait for room, surplus goes, the least useful first."""
        surplus = self.replicas - replicas
        if surplus < 0:
            self.waiting -= surplus
            self._schedule(now_s)
            return
        gone = min(surplus, self.waiting)
        self.waiting -= gone
        surplus -= gone
        while surplus and self._starting:
            latest = max(range(len(self._starting)), key=lambda i: self._starting[i][0])
            at, count = self._starting[latest]
            gone = min(surplus, count)
            self._starting[latest] = (at, count - gone)
            if count == gone:
                self._starting.pop(latest)
                heapq.heapify(self._starting)
            self.starting -= gone
            surplus -= gone
        self._end_ready(surplus)

    def scan(self, now_s: float) -> None:
        """Ask for nodes: room for the pods that wait, and up to the floor."""
        pool = self._ground.nodes
        needed = max(math.ceil(self.replicas / pool.pods_per_node), self.node_floor)
        missing = min(needed, pool.nodes_max) - self.nodes - len(self._launched)
        for _ in range(missing):
            failed = pool.failure_share > 0 and self._rng.random() < pool.failure_share
            wait_s = pool.failure_s if failed else pool.provision.draw(self._rng)
            heapq.heappush(self._launched, (now_s + wait_s, not failed))

    def retire(self, now_s: float) -> None:
        """Remove nodes that nothing has needed for the idle time: keep the largest need within it."""
        pool = self._ground.nodes
        needed = max(math.ceil(self.replicas / pool.pods_per_node), self.node_floor, 1)
        while self._unneeded and self._unneeded[-1][1] <= needed:
            self._unneeded.pop()
        self._unneeded.append((now_s, needed))
        while self._unneeded[0][0] <= now_s - pool.idle_s:
            self._unneeded.popleft()
        keep = self._unneeded[0][1]
        if self.nodes > keep:
            for _ in range(self.nodes - keep):
                if self._cold:
                    self._cold.pop()
            self.nodes = keep

    def measured(self, since_s: float) -> int:
        """Ready pods that have been so since `since_s` or before."""
        return self.ready - int(sum(count for at, count in self.ready_since if at > since_s))

    def _end_ready(self, surplus: int) -> None:
        self.ready -= surplus
        while surplus:
            batch = self.ready_since[-1]
            gone = min(surplus, int(batch[1]))
            batch[1] -= gone
            surplus -= gone
            if batch[1] == 0:
                self.ready_since.pop()

    def _schedule(self, now_s: float) -> None:
        """Bind waiting pods to free room, nodes that hold the image first."""
        size = self._ground.nodes.pods_per_node
        room = self.nodes * size - self.ready - self.starting
        cold = int(sum(free for _, free in self._cold))
        bound = max(0, min(room, self.waiting))
        warm = min(bound, max(0, room - cold))
        self.waiting -= bound
        self.starting += bound
        if warm:
            self._begin(now_s, warm)
        left = bound - warm
        while left:
            node = self._cold[0]
            if node[0] == math.inf:
                node[0] = self._pull(now_s)
            taken = min(left, int(node[1]))
            self._begin(max(now_s, node[0]), taken)
            node[1] -= taken
            left -= taken
            if node[1] == 0:
                self._cold.popleft()

    def _begin(self, at_s: float, count: int) -> None:
        start = self._ground.pods.start
        if start.sigma == 0:
            heapq.heappush(self._starting, (at_s + start.median_s, count))
            return
        for _ in range(count):
            heapq.heappush(self._starting, (at_s + start.draw(self._rng), 1))

    def _pull(self, now_s: float) -> float:
        pods = self._ground.pods
        if pods.pull_s == 0:
            return now_s
        self._pulls = [until for until in self._pulls if until > now_s]
        shared = max(1.0, (len(self._pulls) + 1) / pods.pulls_at_once)
        done_s = now_s + pods.pull_s * shared
        self._pulls.append(done_s)
        return done_s
