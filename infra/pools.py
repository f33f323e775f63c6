"""Which node pools a site has: a pure function of the settings. Every driver that makes nodes makes these."""

import msgspec

from contracts.cluster import NodePool, Runtime, TrafficClass
from infra.config import Settings
from infra.names import LABEL_CLASS, LABEL_POOL, Site


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes of one kind; `nodes_max` 0 means no scaler. `dedicated` pools take only pods that tolerate their taint."""

    name: str
    traffic_class: TrafficClass
    nodes: int
    nodes_max: int = 0
    spot: bool = False
    dedicated: bool = False
    runtime: Runtime = "process"

    @property
    def labels(self) -> dict[str, str]:
        """What each node carries, on every driver."""
        return {LABEL_POOL: self.name, LABEL_CLASS: self.traffic_class}

    @property
    def taint(self) -> tuple[str, str, str] | None:
        """Key, value and effect; a sensitive pool admits only sensitive pods, an own pool only its own."""
        if self.traffic_class == "sensitive":
            return LABEL_CLASS, "sensitive", "NoSchedule"
        return (LABEL_POOL, self.name, "NoSchedule") if self.dedicated else None

    @property
    def nodes_most(self) -> int:
        """The upper bound a cloud's node group needs."""
        return max(self.nodes, self.nodes_max, 1)

    def contract(self) -> NodePool:
        """The pool as `local` understands it."""
        return NodePool(
            name=self.name, nodes=self.nodes, nodes_max=self.nodes_max, runtime=self.runtime,
            traffic_class=self.traffic_class,
            taints=("{}={}:{}".format(*self.taint),) if self.taint else (),
        )  # fmt: skip


def pools(site: Site, settings: Settings) -> tuple[Pool, ...]:
    """The pools of `site`; none of a site that may not hold sensitive data is of that class."""
    match site:
        case "public":
            return (
                Pool(
                    name="ads", traffic_class="public", nodes=settings.ad_nodes,
                    nodes_max=settings.ad_nodes_max, spot=settings.ad_spot, dedicated=True,
                    runtime=settings.ad_runtime,
                ),
                Pool(name="edge", traffic_class="public", nodes=settings.edge_nodes),
            )  # fmt: skip
        case "private":
            return (
                Pool(name="core", traffic_class="sensitive", nodes=settings.core_nodes),
                Pool(name="reserve", traffic_class="public", nodes=settings.reserve_nodes),
            )
