"""The controller's settings file: what it is given, what it may use of each pool, where demand is read. Pure."""

from typing import Annotated, Literal

import msgspec

from contracts.base import Contract

Strategy = Literal["auto", "capacity-buffer", "placeholder", "fixed", "group"]
"""`auto`: a CapacityBuffer where it is served, else placeholder pods. `fixed`: the pool cannot grow, so pods reserve
what there is. `group`: a cloud's node group (EKS, ACK), whose minimum is raised."""
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400)]


class SettingsError(Exception):
    """The file cannot be used: what, where, what was expected."""


class LeaseTerms(Contract, frozen=True, kw_only=True):
    """`duration_s` until a silent holder is replaced; `renew_s` until a holder gives up; `retry_s` between tries.

    With these a dead holder's work goes on elsewhere within 5 s.
    """

    duration_s: int = 4
    renew_s: float = 2.5
    retry_s: float = 0.4


class NodeGroup(Contract, frozen=True, kw_only=True):
    """A cloud's node group: EKS cluster and node group name, or ACK cluster and node pool id."""

    cloud: Literal["eks", "ack"]
    cluster: str
    group: str


class PoolSettings(Contract, frozen=True, kw_only=True):
    """One node pool; its nodes carry the label `isthmus.dev/pool`.

    `maximum` is what quota, group or hardware allows; None: not known, and nothing is judged by it. `requests` is
    what each placeholder pod asks for: small where it only keeps a node, most of a node where it reserves one.
    NoSchedule taints are all tolerated.
    """

    name: str
    strategy: Strategy = "auto"
    maximum: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None
    requests: dict[str, str] = msgspec.field(default_factory=lambda: {"cpu": "1m", "memory": "1Mi"})
    group: NodeGroup | None = None


class DemandSettings(Contract, frozen=True, kw_only=True):
    """Live demand from a Prometheus: `query` by default, `queries` by workload key (`Kind/namespace/name`).

    A query gives requests per second; `{kind}`, `{namespace}` and `{name}` in it are the workload's. With `forecast`,
    five weeks of it are read from `query_range` so often, and promotions in sight are planned by what was learned.
    """

    url: str = ""
    query: str = ""
    queries: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    every_s: Seconds = 15.0
    timeout_s: Seconds = 3.0
    forecast: bool = False
    forecast_every_s: Seconds = 300.0


class TimingSettings(Contract, frozen=True, kw_only=True):
    """What is assumed until it was measured, and the margins; see `autoscale.plan.model.Timing`."""

    node_s: Seconds = 600.0
    pod_s: Seconds = 120.0
    verify_s: Seconds = 60.0
    safety_s: Annotated[float, msgspec.Meta(ge=0, le=86400)] = 300.0


class CapacitySettings(Contract, frozen=True, kw_only=True):
    """What a replica was measured to carry: a `capacity.json`, and which of its services a workload (by key) is."""

    file: str = ""
    services: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class CanarySettings(Contract, frozen=True, kw_only=True):
    """One request through the router before the start, per workload key: the URL it must answer with 2xx."""

    urls: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    timeout_s: Seconds = 2.0


class Placeholder(Contract, frozen=True, kw_only=True):
    """The image of placeholder pods, and its command where it needs one."""

    image: str = "registry.k8s.io/pause:3.10.1"
    command: tuple[str, ...] = ()


class AutoscaleSettings(Contract, frozen=True, kw_only=True):
    """`python -m autoscale --settings FILE`.

    `kubeconfig` empty: the cluster this runs in. `namespace` holds the lease, events of pools and placeholder pods.
    `identity` empty: drawn. `listen` serves /healthz, /readyz and /metrics; port 0 is free-picked and said in the
    ready file. `restore_s` is how long a deleted promotion waits for traffic before its baseline is restored anyway.
    `observe_only`: everything is planned and said in status, nothing is scaled.
    """

    schema: int = 1
    name: str = "autoscale"
    kubeconfig: str = ""
    namespace: str = "isthmus"
    identity: str = ""
    listen: str = "127.0.0.1:0"
    ready: str = ""
    lease: LeaseTerms = LeaseTerms()
    pools: tuple[PoolSettings, ...] = ()
    demand: DemandSettings = DemandSettings()
    timing: TimingSettings = TimingSettings()
    capacity: CapacitySettings = CapacitySettings()
    canary: CanarySettings = CanarySettings()
    placeholder: Placeholder = Placeholder()
    resync_s: Seconds = 30.0
    restore_s: Seconds = 600.0
    observe_only: bool = False


def read_settings(data: bytes, source: str) -> AutoscaleSettings:
    """Decode a settings file. Raises `SettingsError`."""
    try:
        found = msgspec.json.decode(data, type=AutoscaleSettings)
    except msgspec.MsgspecError as error:
        raise SettingsError(
            f"{source}: {error}; expected AutoscaleSettings as JSON. fix: correct the named key"
        ) from error
    for problem in _problems(found):
        raise SettingsError(f"{source}: {problem}")
    return found


def _problems(settings: AutoscaleSettings) -> list[str]:
    found: list[str] = []
    lease = settings.lease
    if not 0 < lease.retry_s < lease.renew_s < lease.duration_s:
        found.append(
            "$.lease: expected 0 < retry_s < renew_s < duration_s, or two replicas write at once. fix: leave it out"
        )
    names = [pool.name for pool in settings.pools]
    if len(set(names)) != len(names):
        found.append(
            "$.pools: a name stands twice; expected each pool once. fix: remove one of the two"
        )
    found += [
        f"$.pools[{n}].group: missing; expected cloud, cluster and group with strategy group. fix: add it"
        for n, pool in enumerate(settings.pools)
        if pool.strategy == "group" and pool.group is None
    ]
    host, _, port = settings.listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        found.append(
            f"$.listen: {settings.listen!r}; expected host:port. fix: for example 127.0.0.1:0"
        )
    return found
