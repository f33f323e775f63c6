"""What a simulated cluster is made of: capacity, start times, node pool, and how they vary. All settings, no behaviour.

Defaults are those of the backtest this simulator must reproduce (anchors/autoscale.md §3.3).
"""

import msgspec
import numpy as np

from autoscale.simulate.hpa import DOWN, UP, Behavior


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """A start time in seconds: `median_s`, spread log-normally by `sigma` (0: always the median)."""

    median_s: float
    sigma: float = 0.0

    def draw(self, rng: np.random.Generator) -> float:
        """One start time."""
        if self.sigma == 0:
            return self.median_s
        return self.median_s * float(np.exp(self.sigma * rng.standard_normal()))

    def quantile_s(self, z: float) -> float:
        """The start time `z` standard deviations up (p95: 1.645)."""
        return self.median_s * float(np.exp(self.sigma * z))


class PodStart(msgspec.Struct, frozen=True, kw_only=True):
    """How a pod comes up on a node that has room.

    The first pod on a new node pulls the image in `pull_s`; beyond `pulls_at_once` the registry is shared, and every
    pull that begins then takes longer in proportion.
    """

    start: Lag = Lag(median_s=60.0)
    pull_s: float = 0.0
    pulls_at_once: int = 8


class NodePool(msgspec.Struct, frozen=True, kw_only=True):
    """How nodes come and go: Pending pods are seen every `scan_s`, a node arrives after `provision` or fails.

    A failed request is noticed after `failure_s` and made again at the next scan. A node that was not needed for
    `idle_s` goes; its pods are taken to be packed tightly, so that need is pods over `pods_per_node`.
    """

    provision: Lag = Lag(median_s=240.0)
    pods_per_node: int = 4
    nodes_max: int = 100_000
    scan_s: float = 10.0
    idle_s: float = 600.0
    failure_share: float = 0.0
    failure_s: float = 300.0


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """The metric pipeline: a sample is the mean of `window_s`, seen `delay_s` later, lost with `loss_share`."""

    window_s: float = 30.0
    delay_s: float = 30.0
    loss_share: float = 0.0
    outages_min: tuple[tuple[int, int], ...] = ()
    """Half-open minutes of the trace in which no metric is served at all."""


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """One workload under a HPA: what a replica carries and how the HPA is set."""

    per_replica: float = 2000.0
    """Requests a minute at 100 % CPU; beyond it they are not served."""
    target: float = 0.7
    tolerance: float = 0.1
    replicas_min: int = 2
    replicas_max: int = 100_000
    up: Behavior = UP
    down: Behavior = DOWN


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about the cluster that a policy cannot change."""

    workload: Workload = Workload()
    pods: PodStart = PodStart()
    nodes: NodePool = NodePool()
    metrics: Metrics = Metrics()
    policy_every_s: float = 60.0


def noisy(ground: Ground) -> Ground:
    """The same cluster as it is in life: start times spread, 2 % of node requests fail, images are pulled."""
    return msgspec.structs.replace(
        ground,
        pods=PodStart(start=Lag(median_s=45.0, sigma=0.3), pull_s=20.0, pulls_at_once=4),
        nodes=msgspec.structs.replace(
            ground.nodes,
            provision=Lag(median_s=ground.nodes.provision.median_s, sigma=0.25),
            failure_share=0.02,
        ),
        metrics=msgspec.structs.replace(ground.metrics, loss_share=0.01),
    )
