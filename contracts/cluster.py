"""One local cluster as asked for and as it is: stdin and stdout of `python -m local.clusters`."""

from typing import Literal

from contracts.base import Contract

Site = Literal["public", "private"]
Runtime = Literal["kwok", "process"]
TrafficClass = Literal["public", "sensitive"]


class NodePool(Contract, frozen=True, kw_only=True):
    """Nodes of one kind; each carries `isthmus.dev/pool`, `isthmus.dev/runtime` and `isthmus.dev/class`.

    `kwok` nodes run nothing and only say so; `process` nodes run pods as host processes. `nodes_max` 0: no
    scaler; above, Pending pods add nodes up to it and idle ones above `nodes` go. A taint is
    `key=value:Effect` or `key:Effect`.
    """

    name: str
    nodes: int
    runtime: Runtime
    traffic_class: TrafficClass
    cpu_millicores: int = 4000
    memory_mib: int = 8192
    pods_max: int = 32
    nodes_max: int = 0
    taints: tuple[str, ...] = ()


class ClusterSpec(Contract, frozen=True, kw_only=True):
    """The cluster of one site of one environment; `environment` matches `[a-z0-9]{1,8}`.

    `stores`: a Kafka broker in the site's network, and on the private site a PostgreSQL.
    """

    schema: int = 1
    environment: str
    site: Site
    pools: tuple[NodePool, ...]
    metrics: bool = True
    prometheus: bool = False
    stores: bool = False


class ClusterState(Contract, frozen=True, kw_only=True):
    """The cluster as it is now; of one that does not exist `ready` is false and the texts are empty.

    `identifier` is made once and stays for the life of the cluster. `kubeconfig` is a path, its certificates
    inlined; `endpoint` the API server's URL in it. `pod_network` and `peer_pod_network` are the pod ranges of
    this site and of the other one. `nodes` counts the nodes that are Ready, by pool. `namespace` is the network
    namespace. `kafka` and `postgres` are `host:port` as pods reach them, empty without stores; `passfile` is the
    path of the database's libpq password file.
    """

    schema: int = 1
    environment: str
    site: Site
    ready: bool
    identifier: str
    endpoint: str
    kubeconfig: str
    pod_network: str
    peer_pod_network: str
    nodes: dict[str, int]
    namespace: str
    kafka: str = ""
    postgres: str = ""
    passfile: str = ""
